"""What few processes ask for: what is refused of it, and with which words."""

import re

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.oci.spec import Linux, Process, Scheduler, Spec
from toolkit.runtime.extras import check_extras, check_process_extras


@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        (Scheduler(policy="SCHED_FIF0"), "process.scheduler.policy: unknown policy 'SCHED_FIF0'"),
        (
            Scheduler(policy="SCHED_BATCH", flags=("SCHED_FLAG_RESET_ON_FORK", "X")),
            "process.scheduler.flags[1]: unknown flag 'X'",
        ),
        (
            Scheduler(policy="SCHED_BATCH", priority=5),
            "process.scheduler.priority: only SCHED_FIFO and SCHED_RR have one",
        ),
        (
            Scheduler(policy="SCHED_FIFO", priority=5, runtime=5),
            "process.scheduler.runtime: only SCHED_DEADLINE has times",
        ),
    ],
)
def test_a_policy_that_is_none(scheduler: Scheduler, said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        check_process_extras(Process(cwd="/", scheduler=scheduler))


@pytest.mark.parametrize(
    "scheduler",
    [
        Scheduler(policy="SCHED_OTHER", nice=5),
        Scheduler(policy="SCHED_RR", priority=5, flags=("SCHED_FLAG_RESET_ON_FORK",)),
        Scheduler(policy="SCHED_DEADLINE", runtime=1, deadline=2, period=3),
    ],
)
def test_a_policy_that_is_one(scheduler: Scheduler) -> None:
    check_process_extras(Process(cwd="/", scheduler=scheduler))


@pytest.mark.parametrize(
    ("personality", "said"),
    [
        ({"domain": "LINUX64"}, "linux.personality.domain: expected one of LINUX, LINUX32"),
        ({}, "linux.personality.domain: expected one of LINUX, LINUX32, not 'None'"),
        ({"domain": "LINUX32", "flags": ["X"]}, "linux.personality.flags: the specification"),
    ],
)
def test_a_personality_that_is_none(personality: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        check_extras(Spec(linux=Linux(personality=personality)))


def test_what_the_machine_lacks_is_told() -> None:
    with pytest.raises(UnsupportedError, match=r"linux\.intelRdt: "):
        check_extras(Spec(linux=Linux(intel_rdt={"closID": "x"})))
