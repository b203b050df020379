from pathlib import Path

import pytest

from toolkit.engine import health
from toolkit.engine.config import ContainerConfig
from toolkit.engine.health import HEALTHY, STARTING, UNHEALTHY, Health, Look, Plan
from toolkit.engine.settings import Settings
from toolkit.engine.stored import PlainImage, Stored
from toolkit.oci.image import Healthcheck, ImageConfig

PLAN = Plan(
    argv=("true",),
    interval=30.0,
    timeout=30.0,
    start_period=10.0,
    start_interval=5.0,
    retries=2,
)
SILENT = Healthcheck()


def stored(asked: Healthcheck | None, of_image: Healthcheck = SILENT) -> Stored:
    image = ImageConfig(healthcheck=of_image, labels={})
    config = ContainerConfig(image="box", health=(asked,) if asked else ())
    return Stored(config=config, image=PlainImage(lower=("/",), config=image))


def look(status: int, output: str = "") -> Look:
    return Look(began="a", ended="b", status=status, output=output)


def test_docker_s_defaults_hold_where_nothing_is_said() -> None:
    plan = health.plan_of(stored(Healthcheck(test=("CMD-SHELL", "curl -f localhost"))))
    assert plan == Plan(
        argv=("/bin/sh", "-c", "curl -f localhost"),
        interval=30.0,
        timeout=30.0,
        start_period=0.0,
        start_interval=5.0,
        retries=3,
    )


def test_what_is_asked_for_wins_over_the_image_part_by_part() -> None:
    image = Healthcheck(test=("CMD", "check", "-v"), interval=2 * 10**9, retries=7)
    plan = health.plan_of(stored(Healthcheck(interval=10**9), image))
    assert plan is not None
    assert (plan.argv, plan.interval, plan.retries) == (("check", "-v"), 1.0, 7)


@pytest.mark.parametrize(
    ("asked", "of_image"),
    [
        (None, Healthcheck()),
        (Healthcheck(test=("NONE",)), Healthcheck(test=("CMD", "check"))),
        (None, Healthcheck(test=("NONE",))),
        (Healthcheck(interval=5), Healthcheck()),
    ],
)
def test_no_command_no_look(asked: Healthcheck | None, of_image: Healthcheck) -> None:
    assert health.plan_of(stored(asked, of_image)) is None


def test_failures_in_a_row_make_it_unhealthy_and_one_success_healthy() -> None:
    state = Health(pid=7)
    state = health.judge(state, look(1), PLAN, age=11)
    assert (state.status, state.failures) == (STARTING, 1)
    state = health.judge(state, look(1), PLAN, age=12)
    assert (state.status, state.failures) == (UNHEALTHY, 2)
    state = health.judge(state, look(0), PLAN, age=13)
    assert (state.status, state.failures) == (HEALTHY, 0)
    state = health.judge(state, look(health.TIMED_OUT), PLAN, age=14)
    assert (state.status, state.failures) == (HEALTHY, 1)


def test_failures_at_first_do_not_count_until_it_was_well_once() -> None:
    state = health.judge(Health(pid=7), look(1), PLAN, age=9)
    assert (state.status, state.failures) == (STARTING, 0)
    well = health.judge(state, look(0), PLAN, age=9)
    assert health.judge(well, look(1), PLAN, age=9).failures == 1


def test_looks_come_often_at_first() -> None:
    assert PLAN.pause(STARTING, age=3) == 5.0
    assert PLAN.pause(HEALTHY, age=3) == 30.0
    assert PLAN.pause(STARTING, age=10) == 30.0


def test_five_looks_are_kept() -> None:
    state = Health(pid=7)
    for number in range(8):
        state = health.judge(state, look(0, str(number)), PLAN, age=1)
    assert [one.output for one in state.looks] == ["3", "4", "5", "6", "7"]


def test_much_output_is_cut() -> None:
    assert health.shortened(b"fine\n") == "fine\n"
    assert health.shortened(b"x" * 5000) == "x" * 4096 + "..."


def test_what_is_kept_is_of_one_run(tmp_path: Path) -> None:
    settings = Settings(data_root=str(tmp_path))
    Path(settings.container_dir("c")).mkdir(parents=True)
    assert health.shown(settings, "c", 0) == {}
    state = health.judge(Health(pid=7), look(0, "fine"), PLAN, age=1)
    health.write(settings, "c", state)
    assert health.read(settings, "c", 7) == state
    assert health.shown(settings, "c", 7) == {
        "Status": "healthy",
        "FailingStreak": 0,
        "Log": [{"Start": "a", "End": "b", "ExitCode": 0, "Output": "fine"}],
    }
    assert health.read(settings, "c", 8) == Health(pid=8)
    assert health.shown(settings, "c", 0)["Status"] == "unhealthy"  # as Docker says of the dead


def test_one_that_was_removed_meanwhile_is_no_fault(tmp_path: Path) -> None:
    health.write(Settings(data_root=str(tmp_path)), "gone", Health(pid=7))
