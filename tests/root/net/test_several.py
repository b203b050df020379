"""Several networks on one container, joined and left while it runs."""

import json

import pytest

from support.dock import Dock
from support.lan import HOST, NEIGHBOUR, PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]


def inside(dock: Dock, name: str) -> dict[str, str]:
    """Name and IPv4 address of each link but the loopback."""
    found = json.loads(dock("exec", name, "ip", "-j", "-4", "address"))
    return {one["ifname"]: one["addr_info"][0]["local"] for one in found if one["ifname"] != "lo"}


def test_two_networks_from_the_start(dock: Dock) -> None:
    dock("network", "create", "--subnet", "10.50.0.0/24", "left")
    dock("network", "create", "--subnet", "10.60.0.0/24", "right")
    dock.serve("web", "--network", "left", "--network", "name=right,ip=10.60.0.9,alias=w")
    assert inside(dock, "web") == {"eth0": "10.50.0.2", "eth1": "10.60.0.9"}
    assert "default via 10.50.0.1" in dock("exec", "web", "ip", "route")
    for name, address in (("left", "10.50.0.2"), ("right", "10.60.0.9")):
        other = f"other-{name}"
        dock("run", "-d", "--name", other, "--network", name, "host", "sleep", "60")
        assert dock.ask(other, address, 80) != "nothing"
    assert dock.ask("other-left", "10.60.0.9", 80) == "nothing"
    hosts = dock("exec", "web", "cat", "/etc/hosts")
    assert "10.50.0.2\t" in hosts
    assert "10.60.0.9\t" in hosts
    (shown,) = json.loads(dock("inspect", "web"))
    assert shown["NetworkSettings"]["Networks"]["right"]["Aliases"] == ["w"]
    dock("stop", "-t", "0", "web")
    dock("start", "web")
    assert set(inside(dock, "web")) == {"eth0", "eth1"}


def test_connect_and_disconnect_while_it_runs(dock: Dock) -> None:
    dock("network", "create", "--subnet", "10.50.0.0/24", "left")
    first = dock.serve("web", "-p", "8080:80")
    dock.serve("other", "--network", "left")
    dock("network", "connect", "--ip", "10.50.0.77", "left", "web")
    assert inside(dock, "web") == {"eth0": first, "eth1": "10.50.0.77"}
    assert dock.ask("other", "10.50.0.77", 80) == "10.50.0.2"
    assert "is asked for twice" in dock("network", "connect", "left", "web", status=2)
    dock("network", "disconnect", "bridge", "web")
    assert inside(dock, "web") == {"eth1": "10.50.0.77"}
    assert "default via 10.50.0.1" in dock("exec", "web", "ip", "route")
    assert dock.lan.neighbour.ask(HOST, 8080) == NEIGHBOUR  # its port went along
    assert "is not on network 'bridge'" in dock("network", "disconnect", "bridge", "web", status=1)
    dock("stop", "-t", "0", "web")
    dock("start", "web")
    assert inside(dock, "web") == {"eth0": "10.50.0.77"}
    dock("network", "disconnect", "left", "web")
    assert inside(dock, "web") == {}
    dock("network", "connect", "bridge", "web")
    assert list(inside(dock, "web")) == ["eth0"]
    dock.lan.peer.mirror(7000)
    assert dock.ask("web", PEER, 7000) == "10.78.0.1"


def test_a_container_that_does_not_run_joins_when_it_starts(dock: Dock) -> None:
    dock("network", "create", "--subnet", "10.50.0.0/24", "left")
    dock("create", "--name", "web", "host", "sleep", "60")
    dock("network", "connect", "left", "web")
    dock("start", "web")
    assert inside(dock, "web") == {"eth0": "192.168.5.2", "eth1": "10.50.0.2"}
    for mode in ("none", "host"):
        dock("create", "--name", mode, "--network", mode, "host", "sleep", "60")
        said = dock("network", "connect", "left", mode, status=1)
        assert f"a container with --network {mode} joins no other network" in said
    said = dock("run", "--rm", "--network", "left", "--network", "none", "host", "true", status=125)
    assert "'none'" in said


@pytest.mark.parametrize("filtered", ["0", "1"])
def test_without_icc_neighbours_do_not_meet(dock: Dock, filtered: str) -> None:
    for kind in ("ip", "ip6"):
        setting = f"net.bridge.bridge-nf-call-{kind}tables={filtered}"
        dock.lan.host.run("sysctl", "-qw", setting, check=False)
    option = ("-o", "com.docker.network.bridge.enable_icc=false", "--subnet", "10.50.0.0/24")
    dock("network", "create", *option, "apart")
    one = dock.serve("one", "--network", "apart", "-p", "8080:80")
    two = dock.serve("two", "--network", "apart")
    dock.lan.peer.mirror(7000)
    assert dock.ask("two", one, 80) == "nothing"
    assert dock.ask("one", two, 80, protocol="udp") == "nothing"
    words = ("exec", "--privileged", "two", "ip", "route", "replace", f"{one}/32", "via")
    dock(*words, "10.50.0.1")
    assert dock.ask("two", one, 80) == "nothing"
    assert dock.ask("two", HOST, 8080) != "nothing"  # what is published is so for all
    assert dock.ask("two", PEER, 7000) == "10.78.0.1"


def test_a_namespace_is_exposed_by_name(dock: Dock) -> None:
    dock.serve("web")
    shell = f"mount -t tmpfs none /run && {' '.join(dock.entry)} network expose web && "
    shell += "ip netns exec web ip -4 -br address"
    done = dock.lan.host.run("unshare", "-m", "sh", "-c", shell)
    assert done.stdout.startswith("/run/netns/web\n")
    assert "192.168.5.2/24" in done.stdout
    dock("create", "--name", "still", "host", "true")
    assert "'still' is not running" in dock("network", "expose", "still", status=1)
