"""``pause``, ``unpause``, ``rename``, ``restart`` and ``update``."""

import os

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import number
from toolkit.cli.verb import Call, Flag, Verb, each
from toolkit.core.errors import InvalidInputError
from toolkit.engine import values
from toolkit.engine.control import Update
from toolkit.engine.restarts import parse_policy
from toolkit.engine.signals import parse_signal

_ONES = "CONTAINER..."


def _pause(call: Call) -> int:
    with open_engine(call) as engine:
        return each(call.args, engine.pause)


def _unpause(call: Call) -> int:
    with open_engine(call) as engine:
        return each(call.args, engine.unpause)


def _rename(call: Call) -> int:
    with open_engine(call) as engine:
        engine.rename(call.args[0], call.args[1])
    return 0


def _restart(call: Call) -> int:
    asked = number(call, "time", default=-2, least=-1)
    signal = parse_signal(call.text("signal")) if call.text("signal") else None
    with open_engine(call) as engine:
        return each(
            call.args,
            lambda name: engine.restart(name, None if asked == -2 else asked, signal=signal),
        )


def _update(call: Call) -> int:
    asked = _limits(call)
    with open_engine(call) as engine:
        return each(call.args, lambda name: engine.update(name, asked))


def _limits(call: Call) -> Update:
    quota, period = _whole(call, "cpu-quota"), _whole(call, "cpu-period")
    if "cpus" in call.values:
        if quota is not None or period is not None:
            raise InvalidInputError("--cpus and --cpu-quota exclude each other")
        quota, period = values.parse_cpus(call.text("cpus"), available=os.cpu_count() or 1)
    policy, retries = parse_policy(call.text("restart"))
    return Update(
        memory=_size(call, "memory"),
        memory_swap=_size(call, "memory-swap"),
        memory_reservation=_size(call, "memory-reservation"),
        cpu_quota=quota,
        cpu_period=period,
        cpu_shares=_whole(call, "cpu-shares"),
        cpuset_cpus=call.text("cpuset-cpus") or None,
        cpuset_mems=call.text("cpuset-mems") or None,
        pids_limit=_whole(call, "pids-limit"),
        restart=policy if "restart" in call.values else None,
        restart_retries=retries if "restart" in call.values else None,
    )


def _whole(call: Call, key: str) -> int | None:
    return number(call, key, least=-1) if key in call.values else None


def _size(call: Call, key: str) -> int | None:
    return values.parse_swap(call.text(key), what=key) if key in call.values else None


PAUSE = Verb(
    name="pause",
    usage=_ONES,
    summary="Stop all processes of containers.",
    flags=(),
    act=_pause,
)
UNPAUSE = Verb(
    name="unpause",
    usage=_ONES,
    summary="Let the processes of paused containers go on.",
    flags=(),
    act=_unpause,
)
RENAME = Verb(
    name="rename",
    usage="CONTAINER NAME",
    summary="Give a container another name.",
    flags=(),
    act=_rename,
    least=2,
    most=2,
)
RESTART = Verb(
    name="restart",
    usage="[FLAGS] CONTAINER...",
    summary="Stop containers and start them again.",
    flags=(
        Flag(names=("-s", "--signal"), metavar="SIGNAL", help="What asks them to end (their own)"),
        Flag(names=("-t", "--timeout", "--time"), metavar="SECONDS", help="How long to wait (10)"),
    ),
    act=_restart,
)
UPDATE = Verb(
    name="update",
    usage="[FLAGS] CONTAINER...",
    summary="Give containers other limits.",
    flags=(
        Flag(names=("-m", "--memory"), metavar="SIZE", help="Limit memory, as in 64m"),
        Flag(names=("--memory-swap",), metavar="SIZE", help="Limit memory and swap; -1: no limit"),
        Flag(names=("--memory-reservation",), metavar="SIZE", help="What to cut memory down to"),
        Flag(names=("--cpus",), metavar="NUMBER", help="Limit processor time, as in 0.5"),
        Flag(names=("--cpu-quota",), metavar="MICROSECONDS", help="Processor time a period"),
        Flag(names=("--cpu-period",), metavar="MICROSECONDS", help="How long a period is"),
        Flag(names=("-c", "--cpu-shares"), metavar="NUMBER", help="Weigh processor time"),
        Flag(names=("--cpuset-cpus",), metavar="LIST", help="Run on these processors"),
        Flag(names=("--cpuset-mems",), metavar="LIST", help="Use memory of these nodes"),
        Flag(names=("--pids-limit",), metavar="NUMBER", help="Limit processes; -1: no limit"),
        Flag(names=("--restart",), metavar="POLICY", help="When to start them again"),
    ),
    act=_update,
)
