"""Beside the firewalls of others, and after somebody took ours away."""

from pathlib import Path

import pytest

from support.dock import Dock
from support.lan import HOST, NEIGHBOUR, PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]


FIREWALLD = Path(__file__).with_name("data") / "firewalld.nft"  # what 1.3.3 makes, without details


def close_host(dock: Dock, program: str = "iptables") -> None:
    """As dockerd and ufw do: nothing is forwarded that a rule does not accept."""
    if dock.lan.host.run(program, "-S", check=False).returncode:
        pytest.skip(f"the kernel does not know the tables of {program}")
    dock.lan.host.run(program, "-P", "FORWARD", "DROP")
    dock.lan.host.run(program, "-P", "INPUT", "DROP")
    dock.lan.host.run(program, "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")


def works(dock: Dock) -> bool:
    out = dock.ask("web", PEER, 7000)
    inward = dock.lan.neighbour.ask(HOST, 8080)
    return (out, inward) == ("10.78.0.1", NEIGHBOUR)


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_policy_of_drop_does_not_stop_containers(dock: Dock, when: str, program: str) -> None:
    dock.lan.peer.mirror(7000)
    if when == "before":
        close_host(dock, program)
    dock.serve("web", "-p", "8080:80")
    if when == "after":
        close_host(dock, program)
        assert not works(dock)
        dock("run", "--rm", "host", "true")  # any start sees it
    assert works(dock)
    shown = dock.lan.host.run(program, "-S").stdout.splitlines()
    assert "-A FORWARD -j DOCKYARD-FORWARD" in shown
    assert "-A DOCKYARD-FORWARD -i bridge0 -j ACCEPT" in shown
    assert shown.index("-A FORWARD -i docker0 -j ACCEPT") < shown.index(
        "-A FORWARD -j DOCKYARD-FORWARD"
    )
    assert dock.lan.neighbour.ask(PEER, 7000, wait=0.5) == "nothing"


@pytest.mark.parametrize("program", ["iptables", "iptables-legacy"])
def test_dockers_containers_are_left_to_docker(dock: Dock, program: str) -> None:
    host, neighbour = dock.lan.host, dock.lan.neighbour
    host.run("ip", "link", "add", "docker0", "type", "veth", "peer", "name", "their0")
    host.run("ip", "address", "add", "172.30.0.1/24", "dev", "docker0")
    host.run("ip", "link", "set", "their0", "netns", str(neighbour.holder.pid))
    host.run("ip", "link", "set", "docker0", "up")
    neighbour.run("ip", "address", "add", "172.30.0.2/24", "dev", "their0")
    neighbour.run("ip", "link", "set", "their0", "up")
    neighbour.run("ip", "route", "replace", "default", "via", "172.30.0.1")
    neighbour.mirror(7000)
    close_host(dock, program)
    dock.serve("web")
    dock.lan.peer.mirror(7000)
    assert dock.ask("web", PEER, 7000) == "10.78.0.1"
    assert dock.ask("web", "172.30.0.2", 7000) == "nothing"


def test_names_are_served_on_a_host_that_lets_nothing_in(dock: Dock) -> None:
    close_host(dock, "iptables-legacy")
    dock.lan.host.run("nft", "-f", str(FIREWALLD))
    dock.lan.host.run("iptables-legacy", "-A", "INPUT", "-i", "lo", "-j", "ACCEPT")
    dock("network", "create", "mine")
    dock("run", "-d", "--name", "web", "--network", "mine", "host", "sleep", "600")
    dock("exec", "web", "getent", "hosts", "web")


def test_beside_firewalld(dock: Dock) -> None:
    dock.lan.peer.mirror(7000)
    dock.lan.host.run("nft", "-f", str(FIREWALLD))
    dock.serve("web", "-p", "8080:80")
    assert works(dock)
    theirs = ("nft", "list", "chain", "inet", "firewalld", "filter_FORWARD")
    assert dock.lan.host.run(*theirs).stdout.count("jump DOCKYARD-FORWARD") == 1
    # a reload of theirs makes their table anew
    dock.lan.host.run("nft", "delete", "table", "inet", "firewalld")
    dock.lan.host.run("nft", "-f", str(FIREWALLD))
    assert not works(dock)
    for _ in range(2):
        dock("network", "reload")
    assert works(dock)
    assert dock.lan.host.run(*theirs).stdout.count("jump DOCKYARD-FORWARD") == 1
    assert dock.lan.neighbour.ask(PEER, 7000, wait=0.5) == "nothing"


def test_what_was_flushed_is_restored_by_a_reload_and_stands_once(dock: Dock) -> None:
    dock.lan.peer.mirror(7000)
    close_host(dock)
    dock.serve("web", "-p", "8080:80")
    dock.lan.host.run("iptables", "-F", "FORWARD")
    dock.lan.host.run("nft", "delete", "table", "inet", "dockyard")
    assert not works(dock)
    for _ in range(2):
        dock("network", "reload")
    assert works(dock)
    shown = dock.lan.host.run("iptables", "-S").stdout
    assert shown.count("-A FORWARD -j DOCKYARD-FORWARD") == 1
    assert shown.count("-A DOCKYARD-FORWARD") == 2


def test_bridges_of_others_are_forwarded_still(dock: Dock) -> None:
    """Forwarding was turned on for containers, and stays closed only between what was there."""
    host = dock.lan.host
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    dock.lan.peer.mirror(7000)
    dock("run", "--rm", "host", "true")
    host.run("ip", "link", "add", "docker0", "type", "veth", "peer", "name", "their0")
    host.run("ip", "address", "add", "172.30.0.1/24", "dev", "docker0")
    holder = str(dock.lan.neighbour.holder.pid)
    host.run("ip", "link", "set", "their0", "netns", holder)
    host.run("ip", "link", "set", "docker0", "up")
    neighbour = dock.lan.neighbour
    neighbour.run("ip", "address", "add", "172.30.0.2/24", "dev", "their0")
    neighbour.run("ip", "link", "set", "their0", "up")
    dock.lan.peer.run("ip", "route", "replace", "172.30.0.0/24", "via", "10.78.0.1")
    neighbour.run("ip", "route", "add", f"{PEER}/32", "via", "172.30.0.1", "src", "172.30.0.2")
    assert neighbour.ask(PEER, 7000) == "172.30.0.2"
    neighbour.run("ip", "route", "delete", f"{PEER}/32")
    assert neighbour.ask(PEER, 7000, wait=0.5) == "nothing"
