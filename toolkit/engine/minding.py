"""How the minder is called: the process that restarts containers and looks after their health."""

import sys

from toolkit.core.record import as_dict
from toolkit.runtime.messages import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.settings import Settings


def minding(settings: "Settings") -> tuple[str, ...]:
    """The command of the minder of these settings; ``minder`` says what it does."""
    return (sys.executable, "-m", "toolkit.engine.minder", encode(as_dict(settings)))


def socket_path(settings: "Settings") -> str:
    """Where a minder hears that there is something to look at."""
    return f"{settings.run_root}/.minder.sock"


def kick(settings: "Settings") -> None:
    """Let the minder look, or start one."""
    import _socket  # noqa: PLC0415 - few containers need a minder

    from toolkit.runtime.spawn import run_detached  # noqa: PLC0415 - as above

    kind = _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC
    sock = _socket.socket(_socket.AF_UNIX, kind)
    try:
        sock.connect(socket_path(settings))
        sock.send(b".")
    except OSError:  # there is none, or it is just leaving
        run_detached(minding(settings))
    finally:
        sock.close()
