"""The default bridge as ``ip`` and other machines see it, and what goes wrong with it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.dock import ENTRY, Dock
from support.lan import HOST, PEER, Lan

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

BRIDGE = ("--network", "bridge")


def test_a_start_as_ip_sees_it(dock: Dock) -> None:
    address = dock.serve("web")  # the default network
    assert address == "192.168.5.2"
    inside = dock("exec", "web", "ip", "-br", "address").split("\n")
    assert [line.split("@")[0].split()[0] for line in inside] == ["lo", "eth0"]
    assert "inet6" not in dock("exec", "web", "ip", "address", "show", "dev", "eth0")
    routes = dock("exec", "web", "ip", "route").splitlines()
    assert [line.strip() for line in routes] == [
        "default via 192.168.5.1 dev eth0",
        "192.168.5.0/24 dev eth0 proto kernel scope link src 192.168.5.2",
    ]
    host = dock.lan.host
    (wire,) = dock.links()
    assert "master bridge0" in host.run("ip", "link", "show", wire).stdout
    assert "192.168.5.1/24" in host.run("ip", "address", "show", "bridge0").stdout
    assert "02:42:c0:a8:05:02" in dock("exec", "web", "ip", "link", "show", "eth0")
    hosts = dock("exec", "web", "cat", "/etc/hosts")
    assert hosts.endswith(f"192.168.5.2\t{dock('exec', 'web', 'hostname')}")
    assert host.ask(address, 80) == "192.168.5.1"


def test_what_leaves_has_the_hosts_address(dock: Dock) -> None:
    dock.lan.neighbour.mirror(7000)
    dock.lan.peer.mirror(7000)
    dock.serve("web", *BRIDGE)
    assert dock.ask("web", "10.77.0.2", 7000) == HOST
    assert dock.ask("web", "10.77.0.2", 7000, protocol="udp") == HOST
    assert dock.ask("web", PEER, 7000) == "10.78.0.1"


def test_containers_reach_each_other_and_nobody_from_outside_does(dock: Dock) -> None:
    one, two = dock.serve("one", *BRIDGE), dock.serve("two", *BRIDGE)
    assert dock.ask("one", two, 80) == one
    assert dock.ask("two", one, 80, protocol="udp") == two
    assert dock.lan.neighbour.ask(one, 80) == "nothing"
    assert dock.lan.peer.ask(one, 80, protocol="udp") == "nothing"


def test_what_listens_on_the_loopback_is_its_own(dock: Dock) -> None:
    dock.lan.host.mirror(9000)
    here = "import socket; s = socket.create_server(('127.0.0.1', 90)); s.accept()"
    dock("run", "-d", "--name", "quiet", *BRIDGE, "host", "python3", "-c", here)
    address = dock.address("quiet")
    dock.serve("other", *BRIDGE, "-p", "8080:80")  # which lets the host's 127.0.0.1 through
    assert dock.ask("other", address, 90) == "nothing"
    assert dock.lan.host.ask(address, 90) == "nothing"
    martian = ("exec", "--privileged", "other", "ip", "route", "replace", "local", "127.0.0.0/8")
    assert dock(*martian, "dev", "lo") == ""
    assert dock.ask("other", "127.0.0.1", 9000) == "nothing"


def test_addresses_are_not_used_again_at_once(dock: Dock) -> None:
    for expected in ("192.168.5.2", "192.168.5.3"):
        said = dock("run", "--rm", *BRIDGE, "host", "ip", "-4", "-o", "a", "show", "eth0")
        assert f"inet {expected}/24" in said
    dock.wait_until_clean()


def test_forwarding_is_turned_on_for_containers_only(dock: Dock) -> None:
    host = dock.lan.host
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    dock.lan.peer.mirror(7000)
    dock.serve("web", *BRIDGE)
    assert host.run("sysctl", "-n", "net.ipv4.ip_forward").stdout == "1\n"
    assert dock.ask("web", PEER, 7000) == "10.78.0.1"
    assert dock.lan.neighbour.ask(PEER, 7000) == "nothing"


def test_a_host_that_forwards_goes_on_forwarding(dock: Dock) -> None:
    dock.lan.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    dock.lan.peer.mirror(7000)
    dock.serve("web", *BRIDGE)
    assert dock.lan.neighbour.ask(PEER, 7000) == "10.77.0.2"


def test_address_hardware_address_and_names_as_asked(dock: Dock) -> None:
    asked = ("--ip", "192.168.5.77", "--mac-address", "02:00:00:00:00:77", "--hostname", "a.lan")
    names = ("--add-host", "db:10.0.0.5", "--add-host", "out:host-gateway", "--dns", "10.9.9.9")
    show = "ip -o address show dev eth0; ip -o link show dev eth0; cat /etc/hosts /etc/resolv.conf"
    said = dock("run", "--rm", *BRIDGE, *asked, *names, "host", "sh", "-c", show)
    for expected in (
        "inet 192.168.5.77/24",
        "link/ether 02:00:00:00:00:77",
        "192.168.5.77\ta.lan a",
        "10.0.0.5\tdb",
        "192.168.5.1\tout",
        "nameserver 10.9.9.9",
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ip", "192.168.5.1"), "the address 192.168.5.1 is taken by the bridge itself"),
        (("--ip", "10.0.0.1"), "ip: 10.0.0.1 is no address for a container in 192.168.5.0/24"),
        (("--ip", "x"), "ip: 'x' is no IPv4 address"),
        (("--mac-address", "01:00:00:00:00:01"), "not the address of one station"),
        (("--dns", "x"), "dns: 'x' is no address"),
        (("-p", "192.0.2.1:80:80"), "this host does not have the address"),
    ],
)
def test_what_is_refused_leaves_nothing(dock: Dock, words: tuple[str, ...], message: str) -> None:
    assert message in dock("run", "--rm", *BRIDGE, *words, "host", "true", status=125)
    assert dock("ps", "-aq") == ""
    assert dock.links() == set()


def test_a_taken_address_and_a_program_that_is_not_there(dock: Dock) -> None:
    dock.serve("web", *BRIDGE)
    again = ("run", "--rm", *BRIDGE, "--ip", "192.168.5.2", "host", "true")
    assert "the address 192.168.5.2 is taken by container" in dock(*again, status=125)
    dock("run", "--rm", *BRIDGE, "host", "nonesuch", status=127)
    dock("run", "--rm", *BRIDGE, "host", "/etc", status=126)
    assert len(dock("ps", "-aq").split()) == 1
    dock("rm", "-f", "web")
    dock.wait_until_clean()


def test_an_exhausted_network(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKYARD_BRIDGE_ADDRESS", "10.9.0.1/29")
    monkeypatch.setenv("DOCKYARD_BRIDGE", "small")
    for number in range(5):
        dock("run", "-d", "--name", f"c{number}", *BRIDGE, "host", "sleep", "60")
    said = dock("run", "-d", *BRIDGE, "host", "true", status=125)
    assert "network 'bridge' has no free address in 10.9.0.0/29" in said
    dock("rm", "-f", "c3")
    said = dock("run", "--rm", *BRIDGE, "host", "ip", "-4", "-o", "address", "show", "eth0")
    assert "inet 10.9.0.5/29" in said


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ("ip route add 192.168.0.0/16 via 10.77.0.2", "overlaps 192.168.0.0/16, which this host"),
        ("ip link add bridge0 type veth peer name x", "is no bridge but a veth"),
        (
            "ip link add bridge0 type bridge; ip address add 10.1.1.1/24 dev bridge0",
            "bridge 'bridge0' has the address 10.1.1.1/24, not 192.168.5.1/24",
        ),
    ],
)
def test_a_host_on_which_the_bridge_cannot_be(dock: Dock, prepare: str, message: str) -> None:
    dock.lan.host.run("sh", "-c", prepare)
    assert message in dock("run", "--rm", *BRIDGE, "host", "true", status=125)
    assert dock("ps", "-aq") == ""


def test_a_bridge_that_somebody_made_is_used(dock: Dock) -> None:
    dock.lan.host.run("ip", "link", "add", "bridge0", "type", "bridge")
    dock.lan.host.run("ip", "address", "add", "192.168.5.1/24", "dev", "bridge0")
    address = dock.serve("web", *BRIDGE)
    assert dock.lan.host.ask(address, 80) == "192.168.5.1"


def test_without_nft_nothing_starts(dock: Dock) -> None:
    hide = 'mount -t tmpfs none /usr/sbin && exec "$@"'
    words = ("unshare", "-m", "sh", "-c", hide, "sh", *ENTRY)
    done = dock.lan.host.run(*words, "run", "--rm", *BRIDGE, "host", "true", check=False)
    assert done.returncode == 125
    assert "the program 'nft' is not installed" in done.stderr


def test_rules_that_somebody_flushed_come_back(dock: Dock) -> None:
    dock.lan.peer.mirror(7000)
    dock.serve("one", *BRIDGE)
    dock.lan.host.run("nft", "flush", "ruleset")
    dock.serve("two", *BRIDGE)
    assert dock.elements() == 2
    assert dock.ask("one", PEER, 7000) == "10.78.0.1"


def test_rules_of_others_stay(dock: Dock) -> None:
    host = dock.lan.host
    host.run(
        "nft",
        "add table inet theirs; add chain inet theirs c { type filter hook input priority 0; }",
    )
    before = host.run("nft", "list", "table", "inet", "theirs").stdout
    dock("run", "--rm", *BRIDGE, "host", "true")
    dock.lan.host.run("nft", "delete", "table", "inet", "dockyard")
    dock("run", "--rm", *BRIDGE, "host", "true")
    assert host.run("nft", "list", "table", "inet", "theirs").stdout == before


def test_many_starts_at_once_have_addresses_of_their_own(dock: Dock) -> None:
    show = "ip -4 -o address show dev eth0; sleep 1"
    argv = dock.lan.host.words(*ENTRY, "run", "--rm", *BRIDGE, "host", "sh", "-c", show)
    runs = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(12)]
    said = [one.communicate()[0] for one in runs]
    assert [one.returncode for one in runs] == [0] * 12
    assert len({text.split("inet ")[1].split("/")[0] for text in said}) == 12
    dock.wait_until_clean()


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.08, 0.11, 0.15, 0.2, 0.3])
def test_a_command_killed_at_any_time_leaves_nothing_for_long(dock: Dock, delay: float) -> None:
    argv = dock.lan.host.words(*ENTRY, "run", "--rm", *BRIDGE, "host", "true")
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    time.sleep(0.3)
    dock.wait_until_clean()
    assert dock("ps", "-aq") == ""
    found = dock("run", "--rm", *BRIDGE, "host", "ip", "-4", "-o", "address", "show", "dev", "eth0")
    assert "inet 192.168.5." in found


def test_a_container_that_ends_unseen_gives_its_address_back(dock: Dock, home: Path) -> None:
    del home
    dock(
        "run",
        "-d",
        "--rm",
        "--name",
        "brief",
        *BRIDGE,
        "--ip",
        "192.168.5.9",
        "host",
        "sleep",
        "0.2",
    )
    deadline = time.monotonic() + 60
    while dock.links():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    dock("run", "--rm", *BRIDGE, "--ip", "192.168.5.9", "host", "true")
    dock.wait_until_clean()


def test_stop_and_start_again(dock: Dock, lan: Lan) -> None:
    del lan
    dock.serve("web", *BRIDGE)
    dock("stop", "-t", "0", "web")
    assert dock.elements() == 0
    dock("start", "web")
    assert dock.lan.host.ask(dock.address("web"), 80) == "192.168.5.1"
    dock("kill", "web")
    dock("start", "web")
    assert dock.lan.host.ask(dock.address("web"), 80) == "192.168.5.1"
    dock("kill", "web")
    dock.wait_until_clean()
