"""Name servers: one ``dnsmasq`` a network, which answers at the bridge's own addresses.

A server reads its names from a file and asks the host's resolvers for all others, whoever these are
at the time; that of an internal network asks nobody (CVE-2024-29018).
"""

import fcntl
import os
import select
import time

from toolkit.core.errors import ToolkitError, UnsupportedError
from toolkit.net.programs import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.net.wiring import Bridge

    Served = tuple[Bridge, list[str]]  # where to answer, and lines of hosts(5)

_HANGUP, _KILL = 1, 9
_OPEN = 0o011  # what lets everybody through a directory
_PATIENCE, _MOMENT = 5, 0.0005  # seconds


class Servers:
    """The servers of one engine; ``folder`` holds one directory a network."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def available(self) -> bool:
        """Whether there is a dnsmasq at all."""
        return bool(find("dnsmasq"))

    def update(self, network: str, members: "Callable[[], Served | None]") -> None:
        """Have a server that knows the names of all ``members``; none where there is nobody.

        They are asked for while nobody else writes, so that the last to come knows all. The new
        names are known when this returns.
        """
        folder = f"{self._folder}/{network}"
        lock = self._locked(network)
        try:
            served = members()
            if served is None:
                _stop(folder)
                os.unlink(self._lock(network))
            else:
                bridge, lines = served
                _serve(folder, network, bridge, "".join(f"{line}\n" for line in lines))
        finally:
            os.close(lock)

    def alive(self, network: str) -> bool:
        """Whether a network's server runs."""
        return bool(_pid(f"{self._folder}/{network}"))

    def known(self) -> list[str]:
        """The networks of which there is anything, be it what a killed command left."""
        try:
            return sorted({name.removeprefix(".") for name in os.listdir(self._folder)})
        except FileNotFoundError:
            return []

    def _lock(self, network: str) -> str:
        return f"{self._folder}/.{network}"  # no network's name begins with a dot

    def _locked(self, network: str) -> int:
        """Hold a network's lock, a file that goes with its server."""
        _make_open(self._folder)
        while True:
            lock = os.open(self._lock(network), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(lock), os.stat(self._lock(network))):
                    return lock
            except FileNotFoundError:
                pass
            os.close(lock)  # who held it took it away: there is, or will be, another


def _serve(folder: str, network: str, bridge: "Bridge", text: str) -> None:
    """Tell the server that runs, or start one; until it has read its names."""
    _make_open(folder)
    _write(f"{folder}/hosts", text)
    pid = _pid(folder)
    if not (pid and _signal(pid, _HANGUP) and _has_read(f"{folder}/hosts", folder)):
        _start(folder, network, bridge)
        _has_read(f"{folder}/hosts", folder)


def _has_read(path: str, folder: str) -> bool:
    """Wait until the server has read its names; whether it lives.

    That is seen by the file's time of access, which was set back when it was written (stat(2)).
    """
    if os.statvfs(folder).f_flag & os.ST_NOATIME:
        return bool(_pid(folder))
    end = time.monotonic() + _PATIENCE
    while not os.stat(path).st_atime_ns and time.monotonic() < end:
        if not _pid(folder):
            return False
        time.sleep(_MOMENT)
    return True


def _stop(folder: str) -> None:
    pid = _pid(folder)
    if pid:
        _end(pid)
    for name in ("hosts", "hosts.new", "pid"):
        try:
            os.unlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return


def _end(pid: int) -> None:
    """Kill a server and wait until its address and port are free."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _signal(pid, _KILL):
            over = select.poll()
            over.register(watched, select.POLLIN)
            over.poll(_PATIENCE * 1000)
    finally:
        os.close(watched)


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


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
            find("dnsmasq"),
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


def _make_open(folder: str) -> None:
    """A folder that others may read, whatever the umask."""
    try:
        os.makedirs(folder)
    except FileExistsError:
        return
    os.chmod(folder, 0o755)  # noqa: S103 - a server reads it as nobody


def _write(path: str, text: str) -> None:
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.utime(f"{path}.new", ns=(0, time.time_ns()))  # nobody has read it
    os.rename(f"{path}.new", path)
