"""A container's health: how to look, what a look says, and what is kept of it.

``health.json`` lies beside a container's log, in Docker's shape, with the pid of the run that it is
about: what is left of an earlier run says nothing of this one.
"""

from toolkit.core.record import record
from toolkit.oci.image import Healthcheck
from toolkit.runtime.messages import decode, encode
from toolkit.runtime.trees import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import Stored

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
TIMED_OUT = -1
"""The exit status of a look that took too long."""

_NANO = 10**9
_INTERVAL, _TIMEOUT, _START_INTERVAL, _RETRIES = 30.0, 30.0, 5.0, 3  # Docker's defaults
_LONGEST_OUTPUT = 4096
_KEPT = 5
_SHELL = ("/bin/sh", "-c")


@record
class Plan:
    """How to look: the command, and seconds; ``retries`` failures in a row make it unhealthy."""

    argv: tuple[str, ...]
    interval: float
    timeout: float
    start_period: float
    start_interval: float
    retries: int

    def pause(self, status: str, age: float) -> float:
        """Seconds between two looks at a container of that age."""
        young = status == STARTING and age < self.start_period
        return min(self.start_interval, self.interval) if young else self.interval


@record
class Look:
    """One look: two RFC 3339 times, and how the command ended."""

    began: str
    ended: str
    status: int
    output: str


@record
class Health:
    """Where it stands: ``failures`` in a row, the last looks, and the pid of the run."""

    pid: int
    status: str = STARTING
    failures: int = 0
    looks: tuple[Look, ...] = ()


def plan_of(stored: "Stored") -> Plan | None:
    """How to look after a container; None for one that asks for no look."""
    image = stored.image.config
    asked = stored.config.health[0] if stored.config.health else Healthcheck()
    argv = _command(asked.test or image.healthcheck.test, image.shell)
    if not argv:
        return None

    def seconds(name: str, default: float) -> float:
        chosen: int = getattr(asked, name) or getattr(image.healthcheck, name)
        return chosen / _NANO if chosen else default

    return Plan(
        argv=argv,
        interval=seconds("interval", _INTERVAL),
        timeout=seconds("timeout", _TIMEOUT),
        start_period=seconds("start_period", 0.0),
        start_interval=seconds("start_interval", _START_INTERVAL),
        retries=asked.retries or image.healthcheck.retries or _RETRIES,
    )


def _command(test: tuple[str, ...], shell: tuple[str, ...]) -> tuple[str, ...]:
    if not test or test[0] == "NONE":
        return ()
    return (*(shell or _SHELL), *test[1:]) if test[0] == "CMD-SHELL" else test[1:]


def judge(health: Health, look: Look, plan: Plan, age: float) -> Health:
    """What is known after one more look at a container that has run for ``age`` seconds.

    Failures of one that is still starting do not count in its first time.
    """
    status, failures = health.status, health.failures
    if look.status == 0:
        status, failures = HEALTHY, 0
    elif status != STARTING or age >= plan.start_period:
        failures += 1
        status = UNHEALTHY if failures >= plan.retries else status
    return Health(
        pid=health.pid,
        status=status,
        failures=failures,
        looks=(*health.looks, look)[-_KEPT:],
    )


def shortened(output: bytes) -> str:
    """What of a look's output is kept."""
    text = output.decode(errors="replace")
    return text if len(text) <= _LONGEST_OUTPUT else f"{text[:_LONGEST_OUTPUT]}..."


def write(settings: "Settings", container: str, health: Health) -> None:
    """Keep it, as long as there is such a container."""
    data = {"Pid": health.pid, **_document(health)}
    try:
        put(_path(settings, container), encode(data).encode())
    except FileNotFoundError:
        return  # it was removed just now


def read(settings: "Settings", container: str, pid: int) -> Health:
    """What is known of the run with that pid; a new one is starting."""
    found = shown(settings, container, pid)
    return Health(
        pid=pid,
        status=found["Status"],
        failures=found["FailingStreak"],
        looks=tuple(
            Look(began=one["Start"], ended=one["End"], status=one["ExitCode"], output=one["Output"])
            for one in found["Log"]
        ),
    )


def shown(settings: "Settings", container: str, pid: int) -> "dict[str, Any]":
    """Docker's ``State.Health`` of the run with that pid; 0 is one that has ended."""
    try:
        with open(_path(settings, container), encoding="utf-8") as file:
            found: dict[str, Any] = decode(file.read())
    except (FileNotFoundError, ValueError):  # nobody looked yet, or it is torn by a power cut
        found = {}
    if pid and found.get("Pid") != pid:
        found = _document(Health(pid=pid))
    found.pop("Pid", None)
    return found if pid or not found else {**found, "Status": UNHEALTHY}


def _document(health: Health) -> "dict[str, Any]":
    return {
        "Status": health.status,
        "FailingStreak": health.failures,
        "Log": [
            {
                "Start": look.began,
                "End": look.ended,
                "ExitCode": look.status,
                "Output": look.output,
            }
            for look in health.looks
        ],
    }


def _path(settings: "Settings", container: str) -> str:
    return f"{settings.container_dir(container)}/health.json"
