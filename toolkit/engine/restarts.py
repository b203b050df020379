"""What is kept of restart policies: how often, whether somebody stopped it, when it is due."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database

_COLUMNS = "count, failures, stopped, due, error"
POLICIES = ("no", "always", "unless-stopped", "on-failure")
_FIRST, _LONGEST = 0.1, 60.0  # seconds between an end and the next start: doubled each time
_LONG_ENOUGH = 10.0  # seconds; who ran that long begins with the shortest pause again


@record
class Restarts:
    """``count`` restarts since somebody started it, ``failures`` of them in a row after a short
    life; ``due`` is when the next is, 0 for never; ``stopped`` says that somebody ended it on
    purpose; ``error`` is why the last try failed. ``minded``: somebody looks after it (kept by
    ``set_minded``).
    """

    count: int = 0
    failures: int = 0
    stopped: bool = False
    due: float = 0.0
    error: str = ""
    minded: bool = False


NONE = Restarts()


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
        return status != 0 and (not config.restart_retries or known.count < config.restart_retries)
    return True


def is_restarting(config: "ContainerConfig", status: int, known: Restarts) -> bool:
    """Whether one that does not run is due to run again, or will be as soon as it is noticed."""
    return bool(known.due) or (known.minded and is_wanted(config, status, known))


def next_try(known: Restarts, ran: float, now: float) -> Restarts:
    """What is kept of one that ran for ``ran`` seconds until ``now`` and shall run again."""
    failures = 0 if ran >= _LONG_ENOUGH else known.failures
    pause = min(_FIRST * 2 ** min(failures, 16), _LONGEST)
    return Restarts(
        count=known.count + 1, failures=failures + 1, due=now + pause, error=known.error
    )


def read(database: "Database", container: str) -> Restarts:
    """What is kept of a container; nothing is the default."""
    rows = database.query(f"SELECT {_COLUMNS}, minded FROM restarts WHERE container=?", container)  # noqa: S608 - constants
    return _restarts(rows[0]) if rows else NONE


def _restarts(row: "Sequence[Any]") -> Restarts:
    count, failures, stopped, due, error, minded = row
    return Restarts(
        count=count,
        failures=failures,
        stopped=bool(stopped),
        due=due,
        error=error,
        minded=bool(minded),
    )


def write(database: "Database", container: str, known: Restarts) -> None:
    """Keep it, as long as there is such a container."""
    database.query(
        f"INSERT INTO restarts (container, {_COLUMNS}) SELECT id, ?, ?, ?, ?, ?"  # noqa: S608 - constants
        " FROM containers WHERE id=? ON CONFLICT (container) DO UPDATE SET count=excluded.count,"
        " failures=excluded.failures, stopped=excluded.stopped, due=excluded.due,"
        " error=excluded.error",
        known.count,
        known.failures,
        int(known.stopped),
        known.due,
        known.error,
        container,
    )


def stop(database: "Database", container: str) -> None:
    """Somebody ends it on purpose: its policy is silent until somebody starts it."""
    write(database, container, replace(read(database, container), stopped=True, due=0.0))


def plan(database: "Database", container: str, known: Restarts) -> bool:
    """Keep when the next start is; False where somebody has stopped it meanwhile."""
    return bool(
        database.query(
            "UPDATE restarts SET count=?, failures=?, due=?, error=?, minded=1"
            " WHERE container=? AND NOT stopped RETURNING container",
            known.count,
            known.failures,
            known.due,
            known.error,
            container,
        )
    )


def note_error(database: "Database", container: str, error: str) -> None:
    """Keep why something failed."""
    database.query("UPDATE restarts SET error=? WHERE container=?", error, container)


def claim(database: "Database", container: str) -> bool:
    """Take the restart that is due upon oneself; False where somebody has stopped it meanwhile."""
    return bool(
        database.query(
            "UPDATE restarts SET due=0 WHERE container=? AND due>0 AND NOT stopped"
            " RETURNING container",
            container,
        )
    )


def set_minded(database: "Database", container: str, *, on: bool) -> None:
    """Note whether somebody has to look after a container."""
    database.query("UPDATE restarts SET minded=? WHERE container=?", int(on), container)


def minded(database: "Database") -> list[str]:
    """The ids of those that somebody has to look after."""
    return [str(row[0]) for row in database.query("SELECT container FROM restarts WHERE minded")]


def is_any_minded(database: "Database") -> bool:
    """Whether there is one."""
    return bool(database.query("SELECT 1 FROM restarts WHERE minded LIMIT 1"))


def boot(database: "Database", boot_id: str) -> None:
    """The machine may have been started anew: what has the policy ``always`` runs again then."""
    known = database.query("SELECT value FROM notes WHERE key='boot'")
    if known and known[0][0] == boot_id:
        return
    with database.transaction():
        database.query("INSERT OR REPLACE INTO notes (key, value) VALUES ('boot', ?)", boot_id)
        if known:
            database.query(
                "UPDATE restarts SET stopped=0, minded=1 WHERE container IN (SELECT id FROM"
                ' containers WHERE started > 0 AND config LIKE \'%"restart":"always"%\')'
            )
