"""Real hosts to log in to, without a network: namespaces with an overlay of this machine each.

A *controller* network namespace has one veth to each host. A host has its own mount, pid, uts, ipc
and network namespaces; its root is an overlay of ``/`` with everything written on a tmpfs of its
own, so it can be broken at will. Debian's sshd is its pid 1: killing that ends and removes it all.

``from support.sshd_hosts import sshd_hosts`` in a conftest gives the fixture.
"""

import concurrent.futures
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from toolkit.linux.namespaces import NamespaceFlag, setns

T = TypeVar("T")
PORT = 22
NAMES = ("alpha", "beta")

# Runs in the host's new namespaces; $1 is its folder, $2 its name. Ends as sshd.
_BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root="$1/root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
for where in tmp run var/cache var/lib/dockyard root work; do
    mkdir -p "$root/$where"
    mount -t tmpfs -o mode=0755 tmpfs "$root/$where"
done
chmod 1777 "$root/tmp"
mkdir -p "$root/run/sshd" "$root/etc/dockyard-sshd"
cp "$3"/* "$root/etc/dockyard-sshd/"
chmod 600 "$root"/etc/dockyard-sshd/*
chmod 644 "$root/etc/dockyard-sshd/authorized_keys"
hostname "$2"
echo "127.0.1.1 $2" >> "$root/etc/hosts"
ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
exec /usr/sbin/sshd -D -e -f /etc/dockyard-sshd/config
"""

_CONFIG = """\
Port {port}
ListenAddress {address}
ListenAddress 127.0.0.1
HostKey /etc/dockyard-sshd/host_key
AuthorizedKeysFile /etc/dockyard-sshd/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
Match User guest
    PasswordAuthentication yes
"""


@dataclass(frozen=True, kw_only=True)
class SshHost:
    """One host; ``root`` is its file system, seen from outside, ``pid`` its sshd."""

    name: str
    address: str
    pid: int
    key_line: str

    @property
    def root(self) -> Path:
        """The root of its file system."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def cache(self) -> Path:
        """Where it keeps the agent's code."""
        return self.root / "var/cache/dockyard"

    def run(self, *argv: str) -> str:
        """Run a program there without SSH; its stdout."""
        inside = ("nsenter", "-t", str(self.pid), "-a", *argv)
        return subprocess.run(inside, check=True, capture_output=True, text=True).stdout

    def pids(self, text: str) -> list[int]:
        """Processes there (their ids out here) whose command line contains ``text``."""
        own = os.stat(f"/proc/{self.pid}/ns/pid").st_ino
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                here = entry.name.isdigit() and os.stat(entry / "ns/pid").st_ino == own
                if here and text.encode() in (entry / "cmdline").read_bytes().replace(b"\0", b" "):
                    found.append(int(entry.name))
        return found


@dataclass(frozen=True, kw_only=True)
class SshdHosts:
    """The hosts, and the place from which they can be reached."""

    hosts: tuple[SshHost, ...]
    home: Path
    controller: int
    threads: concurrent.futures.ThreadPoolExecutor = field(repr=False)

    @property
    def key(self) -> Path:
        """The private key that every host accepts for root."""
        return self.home / ".ssh/id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The user's file; it knows every host."""
        return self.home / ".ssh/known_hosts"

    @property
    def env(self) -> dict[str, str]:
        """The environment of a command line user beside the hosts."""
        kept = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
        return {**kept, "HOME": str(self.home)}

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """``argv`` as it has to be run to stand in the controller's network namespace."""
        return ("nsenter", f"--net=/proc/{self.controller}/ns/net", "--", *argv)

    def inside(self, function: Callable[[], T]) -> T:
        """Call ``function`` in a thread that stands in the controller's network namespace."""
        return self.threads.submit(function).result(timeout=100)

    def run(
        self, argv: tuple[str, ...], env: Mapping[str, str] | None = None, timeout: float = 100
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program in the controller's network namespace as the user with the key."""
        return subprocess.run(
            self.argv(argv),
            check=False,
            capture_output=True,
            text=True,
            env={**self.env, **(env or {})},
            timeout=timeout,
        )

    def inventory(self, folder: Path, extra: str = "") -> Path:
        """An INI inventory with every host in the group ``boxes``."""
        lines = [f"{host.name} ansible_host={host.address}" for host in self.hosts]
        path = folder / "inventory.ini"
        shared = (
            f"ansible_user=root\nansible_ssh_private_key_file={self.key}\n"
            f"dockyard_known_hosts={self.known_hosts}\n"
        )
        rows = "\n".join(lines)
        path.write_text(f"[boxes]\n{rows}\n{extra}\n[boxes:vars]\n{shared}")
        return path


@pytest.fixture(scope="session")
def sshd_hosts(
    tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], str]
) -> Iterator[SshdHosts]:
    """Two hosts for the session."""
    for tool in ("sshd", "ssh-keygen", "ip", "unshare", "nsenter"):
        require(tool)
    with make_hosts(tmp_path_factory.mktemp("sshd"), NAMES) as made:
        yield made


@contextlib.contextmanager
def make_hosts(folder: Path, names: tuple[str, ...]) -> Iterator[SshdHosts]:
    """Boot a controller's network and a host a name; everything is gone afterwards."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    _keygen(home / ".ssh/id_ed25519")
    with contextlib.ExitStack() as undo:
        controller = _hold(
            undo, ("unshare", "--net", "--kill-child", "--fork", "sleep", "infinity")
        )
        _ip(controller, "link", "set", "lo", "up")
        hosts = [
            _boot(undo, folder / name, name, controller, number)
            for number, name in enumerate(names, start=1)
        ]
        lines = [f"{host.address} {host.key_line}\n" for host in hosts]
        (home / ".ssh/known_hosts").write_text("".join(lines))
        enter = concurrent.futures.ThreadPoolExecutor(
            thread_name_prefix="controller", initializer=_enter, initargs=(controller,)
        )
        made = SshdHosts(hosts=tuple(hosts), home=home, controller=controller, threads=enter)
        undo.enter_context(enter)
        for host in hosts:
            made.inside(lambda host=host: _wait_for(host))  # type: ignore[misc] # a bound default
        yield made


def _enter(controller: int) -> None:
    with open(f"/proc/{controller}/ns/net", "rb") as namespace:
        setns(namespace.fileno(), NamespaceFlag.NETWORK)


def _boot(
    undo: contextlib.ExitStack, folder: Path, name: str, controller: int, number: int
) -> SshHost:
    etc = folder / "etc"
    etc.mkdir(parents=True)
    (folder / "disk").mkdir()
    address = f"10.77.{number}.2"
    _keygen(etc / "host_key")
    key = (folder.parent / "home/.ssh/id_ed25519.pub").read_text()
    (etc / "authorized_keys").write_text(key)
    (etc / "config").write_text(_CONFIG.format(port=PORT, address=address))
    # The boot script waits for the address: sshd refuses to listen on one that is not there.
    script = 'while ! ip -4 addr show | grep -q "10[.]77"; do sleep 0.02; done\n' + _BOOT
    spaces = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child")
    argv = ("unshare", *spaces, "sh", "-c", script, "boot", str(folder / "disk"), name, str(etc))
    pid = _hold(undo, argv)
    peer = ("peer", "name", "eth0", "netns", str(pid))
    _ip(controller, "link", "add", "name", name, "type", "veth", *peer)
    _ip(controller, "addr", "add", f"10.77.{number}.1/24", "dev", name)
    _ip(controller, "link", "set", "dev", name, "up")
    _ip(pid, "addr", "add", f"{address}/24", "dev", "eth0")
    _ip(pid, "link", "set", "eth0", "up")
    public = " ".join((etc / "host_key.pub").read_text().split()[:2])
    return SshHost(name=name, address=address, pid=pid, key_line=public)


def _hold(undo: contextlib.ExitStack, argv: tuple[str, ...]) -> int:
    """Start something that lives until the end of the fixture; the pid inside its namespaces."""
    bare = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    child = subprocess.Popen(argv, env=bare, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    undo.callback(child.wait)
    undo.callback(child.kill)
    listing = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    deadline = time.monotonic() + 60
    while not (inside := listing.read_text().split()):
        assert time.monotonic() < deadline, f"{argv} did not start"
        time.sleep(0.01)
    return int(inside[0])


def _ip(pid: int, *words: str) -> None:
    argv = ("nsenter", f"--net=/proc/{pid}/ns/net", "--", "ip", *words)
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def _keygen(path: Path) -> None:
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "dockyard-test", "-f", str(path))
    subprocess.run(argv, check=True, capture_output=True)


def _wait_for(host: SshHost) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host.address, PORT), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"sshd of '{host.name}' does not listen"
            time.sleep(0.05)
        else:
            return
