"""Where the API is served: a Unix socket for root and one group, TCP for client certificates.

A socket that systemd made (``LISTEN_FDS``) is taken as it is: then nothing is lost while this
server restarts, because the kernel keeps who connects meanwhile waiting.
"""

import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from toolkit.core.errors import ConflictError, InvalidInputError, MissingInputError

BACKLOG = 1024
_FIRST = 3  # sd_listen_fds(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of the server's certificate and key, and of who signs those of clients."""

    certificate: str
    key: str
    ca: str


def inherited(count: int) -> list[socket.socket]:
    """The sockets that systemd hands over."""
    found = []
    for fd in range(_FIRST, _FIRST + count):
        os.set_inheritable(fd, False)
        found.append(socket.socket(fileno=fd))
    return found


def unix(path: str, group: int | None) -> socket.socket:
    """Listen on ``path`` for root, and for ``group`` if there is one; a dead socket there goes."""
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    if _answers(path):
        raise ConflictError(
            f"something serves on '{path}' already", hint="stop it, or choose another --socket"
        )
    with suppress(FileNotFoundError):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # nobody gets in before its group is set
    try:
        sock.bind(path)
        if group is not None:
            os.chown(path, -1, group)
        os.chmod(path, 0o660)
        sock.listen(BACKLOG)  # whoever comes while the rest loads waits
    except OSError as error:
        sock.close()
        raise InvalidInputError(f"socket '{path}': {error.strerror}") from None
    finally:
        os.umask(mask)
    return sock


def forget(path: str, mark: tuple[int, int]) -> None:
    """Take a socket's name away at the end, unless it is another server's by now."""
    with suppress(FileNotFoundError):
        if mark_of(path) == mark:
            os.unlink(path)


def mark_of(path: str) -> tuple[int, int]:
    """What tells one socket of a name from the next."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def tcp(address: str) -> socket.socket:
    """Listen on ``HOST:PORT``."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) >= 1 << 16:
        raise InvalidInputError(f"tcp: '{address}' is not HOST:PORT", hint="as in 127.0.0.1:2376")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), int(port)))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise InvalidInputError(f"tcp '{address}': {error.strerror}") from None
    return sock


def context(tls: Tls) -> ssl.SSLContext:
    """Only clients whose certificate that authority signed get in."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.verify_mode = ssl.CERT_REQUIRED
    try:
        found.load_cert_chain(tls.certificate, tls.key)
        found.load_verify_locations(tls.ca)
    except FileNotFoundError as error:
        raise MissingInputError(f"a file of the certificates is missing: {error}") from None
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInputError(f"the certificates cannot be used: {error}") from None
    return found


def notify(path: str, message: str) -> None:
    """Tell systemd how it goes (sd_notify(3)); nothing where nobody listens."""
    if not path:
        return
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect(address)
        sock.sendall(message.encode())
