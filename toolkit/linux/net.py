"""The one network call that a start needs: raising ``lo``, by ioctl and without ``socket``.

netlink (and pyroute2) belong to ``net``; importing them would cost a start far more than this.
"""

import _socket  # the socket module costs 6 ms; the C part alone nothing
import fcntl
import sys

_SIOCSIFFLAGS = 0x8914  # netdevice(7)
_IFF_UP_RUNNING = 0x41
_IFREQ_SIZE = 40
_IFNAMSIZ = 16


def bring_loopback_up() -> None:
    """Raise ``lo`` in this network namespace; the kernel then gives it 127.0.0.1 and ::1."""
    flags = _IFF_UP_RUNNING.to_bytes(2, sys.byteorder)
    request = (b"lo".ljust(_IFNAMSIZ, b"\0") + flags).ljust(_IFREQ_SIZE, b"\0")
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC, 0)
    try:
        fcntl.ioctl(connection.fileno(), _SIOCSIFFLAGS, request)
    except OSError as error:
        raise OSError(error.errno, f"ioctl SIOCSIFFLAGS: {error.strerror}", "lo") from None
    finally:
        connection.close()
