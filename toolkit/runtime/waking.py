"""How a process that may sleep, or be gone, is told that there is something to do."""

from __future__ import annotations

import _socket
import os

from toolkit.runtime.spawn import run_detached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Socket = _socket.socket
LARGEST = 256  # bytes of a word


def wake(path: str, word: str, argv: tuple[str, ...]) -> None:
    """Send ``word`` to whoever listens on ``path``; where nobody does, run ``argv``."""
    if not tell(path, word):
        run_detached(argv)


def tell(path: str, word: str) -> bool:
    """Send ``word``; whether somebody listens on ``path``.

    One who has not read what came before is awake already, so that is as good.
    """
    sock = _new()
    try:
        _at(path, sock.connect)
        sock.send(word.encode(), _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        sock.close()
    return True


def listens(path: str) -> bool:
    """Whether somebody listens on ``path``."""
    sock = _new()
    try:
        _at(path, sock.connect)
    except OSError:
        return False
    finally:
        sock.close()
    return True


def listen(path: str) -> Socket:
    """Hear words on ``path``, which must not exist; the owner's alone."""
    sock = _new()
    mask = os.umask(0o177)
    try:
        _at(path, sock.bind)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(mask)
    sock.setblocking(False)
    return sock


def hear(sock: Socket) -> list[str]:
    """All words that have come."""
    words = []
    while True:
        try:
            words.append(sock.recv(LARGEST).decode(errors="replace"))
        except BlockingIOError:
            return words


def _new() -> Socket:
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)


def _at(path: str, action: Callable[[str], object]) -> None:
    """A path may be longer than the 107 bytes of an address."""
    directory, name = os.path.split(path)
    fd = os.open(directory or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        action(f"/proc/self/fd/{fd}/{name}")
    finally:
        os.close(fd)
