"""``/etc/hosts``, ``hostname`` and ``resolv.conf`` to the letter, and the host's own untouched."""

from pathlib import Path

import pytest

from support.dock import Dock

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

SHOW = "cat /etc/hosts; echo =; cat /etc/hostname; echo =; cat /etc/resolv.conf"
LOCAL = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
HOSTS_OWN = (
    "# the host's\nnameserver 127.0.0.53\nnameserver 10.77.0.2\nsearch lan\noptions rotate\n"
)
SERVERS = "# the host's\nnameserver 10.77.0.2\nsearch lan\noptions rotate\n"


def shown(dock: Dock, resolver: Path, *words: str) -> list[str]:
    """The three as a container sees them, on a host with that ``resolv.conf``."""
    resolver.write_text(HOSTS_OWN)
    bind = f'mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    run = (*dock.entry, "run", "--rm", "--hostname", "web.lan", *words, "host", "sh", "-c", SHOW)
    said = dock.lan.host.run("unshare", "-m", "sh", "-c", bind, "sh", *run).stdout
    assert resolver.read_text() == HOSTS_OWN
    return said.split("=\n")


def test_with_nothing_asked(dock: Dock, tmp_path: Path) -> None:
    hosts, hostname, resolver = shown(dock, tmp_path / "resolv.conf")
    assert hosts == f"{LOCAL}192.168.5.2\tweb.lan web\n"
    assert hostname == "web.lan\n"
    assert resolver == SERVERS


def test_with_everything_asked(dock: Dock, tmp_path: Path) -> None:
    more = ("--add-host", "db:10.0.0.5", "--add-host", "six:fd00::5", "--add-host")
    dns = ("--dns", "10.9.9.9", "--dns", "fd00::53", "--dns-search", "a.example", "--dns-search")
    words = (*more, "out:host-gateway", *dns, "b.example", "--dns-option", "ndots:2")
    hosts, _, resolver = shown(dock, tmp_path / "resolv.conf", *words)
    assert hosts == (
        f"{LOCAL}10.0.0.5\tdb\nfd00::5\tsix\n192.168.5.1\tout\n192.168.5.2\tweb.lan web\n"
    )
    assert resolver == (
        "# the host's\nnameserver 10.9.9.9\nnameserver fd00::53\n"
        "search a.example b.example\noptions ndots:2\n"
    )


def test_no_search_at_all(dock: Dock, tmp_path: Path) -> None:
    _, _, resolver = shown(dock, tmp_path / "resolv.conf", "--dns-search", ".")
    assert resolver == "# the host's\nnameserver 10.77.0.2\noptions rotate\n"


def test_without_a_network_and_with_the_hosts(dock: Dock, tmp_path: Path) -> None:
    hosts, hostname, resolver = shown(dock, tmp_path / "resolv.conf", "--network", "none")
    assert (hosts, hostname, resolver) == (LOCAL, "web.lan\n", SERVERS)
    hosts, hostname, resolver = shown(dock, tmp_path / "resolv.conf", "--network", "host")
    assert (hosts, hostname, resolver) == (
        Path("/etc/hosts").read_text(),
        "web.lan\n",
        HOSTS_OWN,
    )


def test_on_a_network_of_ones_own(dock: Dock, tmp_path: Path) -> None:
    dock("network", "create", "--subnet", "10.50.0.0/24", "mine")
    hosts, _, resolver = shown(dock, tmp_path / "resolv.conf", "--network", "mine")
    assert hosts == f"{LOCAL}10.50.0.2\tweb.lan web\n"
    assert resolver == "# the host's\nsearch lan\noptions rotate\nnameserver 10.50.0.1\n"


def test_what_a_container_writes_is_its_own_and_lasts(dock: Dock) -> None:
    dock("run", "-d", "--name", "web", "host", "sleep", "3600")
    dock("run", "-d", "--name", "other", "host", "sleep", "3600")
    before = Path("/etc/hosts").read_text()
    dock("exec", "web", "sh", "-c", "echo '10.1.1.1 mine' >> /etc/hosts")
    assert dock("exec", "web", "getent", "hosts", "mine").split()[0] == "10.1.1.1"
    assert "mine" not in dock("exec", "other", "cat", "/etc/hosts")
    assert Path("/etc/hosts").read_text() == before
