"""How the minder is called: the process that restarts containers and looks after their health.

``minder`` says what it does and how long it lives.
"""

import sys

from toolkit.core.record import as_dict
from toolkit.engine import restarts
from toolkit.runtime.messages import encode
from toolkit.runtime.spawn import search_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.database import Database
    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import Stored

_PROGRAM = """\
import sys
sys.path[:0] = {path!r}
from toolkit.engine.minder import main
main(sys.argv[1:])
"""


def is_minded(stored: "Stored") -> bool:
    """Whether somebody has to look after a container while it runs."""
    config, check = stored.config, stored.image.config.healthcheck
    return bool(config.restart or config.health or check.test)


def minding(settings: "Settings", container: str = "") -> tuple[str, ...]:
    """The command of the minder of these settings, which looks at ``container`` in any case."""
    program = _PROGRAM.format(path=search_path())
    data = encode(as_dict(settings))
    return (sys.executable, "-I", "-S", "-c", program, data, container)


def socket_path(settings: "Settings") -> str:
    """Where a minder hears that there is something to look at."""
    return f"{settings.run_root}/.minder.sock"


def kick(settings: "Settings", container: str = "") -> None:
    """Let the minder look at a container, or start one."""
    from toolkit.runtime.waking import wake  # noqa: PLC0415 - few containers need a minder

    wake(socket_path(settings), container or "all", minding(settings, container))


def expect(database: "Database", container: str, *, again: bool) -> None:
    """A container is about to start; ``again`` where its policy asks for that."""
    if not again:
        restarts.write(database, container, restarts.Restarts())


def begin(database: "Database", settings: "Settings", container: str) -> None:
    """A container runs that somebody has to look after."""
    restarts.set_minded(database, container, on=True)
    kick(settings, container)


def revive(database: "Database", settings: "Settings") -> None:
    """Start a minder where there should be one: it was killed, or the machine started anew."""
    from toolkit.runtime.waking import listens  # noqa: PLC0415 - as above

    if restarts.is_any_minded(database) and not listens(socket_path(settings)):
        kick(settings)
