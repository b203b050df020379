"""What is kept of restart policies: how often, whether somebody stopped it, when it is due."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database

POLICIES = ("no", "always", "unless-stopped", "on-failure")
_FIRST, _LONGEST = 0.1, 60.0  # seconds between an end and the next start: doubled each time
_LONG_ENOUGH = 10.0  # seconds; who ran that long begins with the shortest pause again


@record
class Restarts:
    """``count`` restarts so far, ``failures`` of them in a row; ``due`` is when the next is, 0 for
    never; ``stopped`` says that somebody ended it on purpose.
    """

    count: int = 0
    failures: int = 0
    stopped: bool = False
    due: float = 0.0


def parse_policy(text: str) -> tuple[str, int]:
    """``on-failure:3`` and its like as (policy, most retries); ``no`` is the empty policy."""
    policy, colon, most = text.partition(":")
    if policy not in (*POLICIES, ""):
        raise InvalidInputError(
            f"restart: '{text}' is no policy", hint=f"it is one of {', '.join(POLICIES)}"
        )
    if colon and (policy != "on-failure" or not most.isdigit()):
        raise InvalidInputError(
            f"restart: '{text}': only 'on-failure' takes a number of retries, as in on-failure:3"
        )
    return ("" if policy == "no" else policy), int(most or 0)


def is_wanted(config: "ContainerConfig", status: int, known: Restarts) -> bool:
    """Whether a container that ended with this exit status shall run again."""
    if known.stopped or not config.restart:
        return False
    if config.restart == "on-failure":
        tries = config.restart_retries
        return status != 0 and (not tries or known.failures < tries)
    return True


def pause(known: Restarts, ran: float) -> float:
    """How long to wait before the next start of what ran for ``ran`` seconds."""
    if ran >= _LONG_ENOUGH:
        return _FIRST
    return float(min(_FIRST * 2 ** min(known.failures, 16), _LONGEST))


def read(database: "Database", container: str) -> Restarts:
    """What is kept of a container; nothing is the default."""
    rows = database.query(
        "SELECT count, failures, stopped, due FROM restarts WHERE container=?", container
    )
    if not rows:
        return Restarts()
    count, failures, stopped, due = rows[0]
    return Restarts(count=count, failures=failures, stopped=bool(stopped), due=due)


def write(database: "Database", container: str, known: Restarts) -> None:
    """Keep it, as long as there is such a container."""
    database.query(
        "INSERT OR REPLACE INTO restarts (container, count, failures, stopped, due)"
        " SELECT id, ?, ?, ?, ? FROM containers WHERE id=?",
        known.count,
        known.failures,
        int(known.stopped),
        known.due,
        container,
    )
