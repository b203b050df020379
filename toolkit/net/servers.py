"""Name servers: one ``dnsmasq`` a network, which answers at the bridge's own addresses.

A server reads its names from a file and asks the host's resolvers for all others, whoever these are
at the time; that of an internal network asks nobody (CVE-2024-29018).
"""

import fcntl
import os

from toolkit.core.errors import ToolkitError, UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.net.wiring import Bridge

_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
_HANGUP, _KILL = 1, 9
_OPEN = 0o011  # what lets everybody through a directory


class Servers:
    """The servers of one engine; ``folder`` holds one directory a network."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def available(self) -> bool:
        """Whether there is a dnsmasq at all."""
        return bool(_program())

    def update(self, network: str, bridge: "Bridge", names: "Callable[[], list[str]]") -> None:
        """Have a server that knows ``names``, lines of hosts(5); none where there is no name.

        ``names`` is asked while nobody else writes, so that the last to come knows all.
        """
        folder = f"{self._folder}/{network}"
        os.makedirs(folder, mode=0o755, exist_ok=True)
        lock = os.open(
            f"{self._folder}/{network}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = names()
            if not lines:
                self._stop(folder)
                os.unlink(f"{self._folder}/{network}.lock")
                return
            _write(f"{folder}/hosts", "".join(f"{line}\n" for line in lines))
            pid = _pid(folder)
            if pid:
                os.kill(pid, _HANGUP)
            else:
                _start(folder, network, bridge)
        finally:
            os.close(lock)

    def alive(self, network: str) -> bool:
        """Whether a network's server runs."""
        return bool(_pid(f"{self._folder}/{network}"))

    def _stop(self, folder: str) -> None:
        pid = _pid(folder)
        if pid:
            os.kill(pid, _KILL)
        for name in ("hosts", "pid"):
            try:
                os.unlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return


def _start(folder: str, network: str, bridge: "Bridge") -> None:
    """Start a server; it goes into the background by itself once it can answer."""
    _check_open(folder)
    addresses = [bridge.address.address]
    if bridge.address6:
        addresses.append(bridge.address6.address)
    words = [
        "dnsmasq",
        "--conf-file=/dev/null",
        f"--pid-file={folder}/pid",
        f"--addn-hosts={folder}/hosts",
        "--no-hosts",
        "--bind-interfaces",
        "--except-interface=lo",
        *(f"--listen-address={address}" for address in addresses),
        "--user=nobody",
        "--log-facility=/dev/null",
    ]
    if bridge.internal:
        words.append("--no-resolv")
    said = os.memfd_create("said")
    try:
        pid = os.posix_spawn(
            _program(),
            words,
            {"LC_ALL": "C"},
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, said, 2),
            ),
            setsid=True,
        )
        _, status = os.waitpid(pid, 0)
        if status:
            text = os.pread(said, 4096, 0).decode(errors="replace").strip()
            reason = text.splitlines()[-1].removeprefix("dnsmasq: ") if text else f"status {status}"
            raise ToolkitError(
                f"names cannot be served on network '{network}': {reason}",
                hint="see who has port 53 with 'ss -lnup'",
            )
    finally:
        os.close(said)


def _check_open(folder: str) -> None:
    """It runs as nobody, and reads its names as that."""
    path = os.path.realpath(folder)
    while path != "/":
        if not os.stat(path).st_mode & _OPEN:
            raise UnsupportedError(
                f"a name server cannot read '{folder}': '{path}' lets nobody through",
                hint=f"chmod o+x '{path}', or choose another --root",
            )
        path = os.path.dirname(path)


def _pid(folder: str) -> int:
    """The server that has this folder; 0 where none runs."""
    try:
        with open(f"{folder}/pid", encoding="ascii") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return pid if f"--pid-file={folder}/pid".encode() in file.read() else 0
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return 0


def _write(path: str, text: str) -> None:
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.rename(f"{path}.new", path)


def _program() -> str:
    for folder in _FOLDERS:
        if os.access(f"{folder}/dnsmasq", os.X_OK):
            return f"{folder}/dnsmasq"
    return ""
