import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import ConflictError, UnsupportedError
from toolkit.net.model import Link, Route
from toolkit.tasks.persistence import Wanted, interface, netdev, network, sources

FULL = Wanted(name="bridge0", address="192.168.5.1/24", mtu=1400, stp=True)


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.networkd(made)
    return made


def test_a_link_of_another_kind_is_in_the_way(host: FakeHost) -> None:
    host.net.by_name["bridge0"] = Link(name="bridge0", kind="dummy")
    with pytest.raises(ConflictError, match="'bridge0' is a dummy, not a bridge"):
        run(host, "bridge", name="bridge0")


def test_a_subnet_that_leads_elsewhere_is_refused(host: FakeHost) -> None:
    host.net.table = (
        Route(to="0.0.0.0/0", link="eth0", via="10.0.0.1"),
        Route(to="192.168.0.0/16", link="wg0"),
        Route(to="fd00::/8", link="wg0"),
    )
    with pytest.raises(ConflictError, match=r"192.168.5.0/24 overlaps 192.168.0.0/16.*'wg0'"):
        run(host, "bridge", name="bridge0", address="192.168.5.1/24")
    assert run(host, "bridge", name="bridge0", address="172.20.0.1/16").changed


def test_its_own_route_is_no_overlap(host: FakeHost) -> None:
    host.net.table = (Route(to="192.168.5.0/24", link="bridge0"),)
    assert run(host, "bridge", name="bridge0", address="192.168.5.1/24").changed


def test_an_address_of_the_other_family_stays(host: FakeHost) -> None:
    host.net.create_bridge("bridge0")
    for address in ("10.0.0.1/24", "fd00::1/64", "fe80::1/64"):
        host.net.add_address("bridge0", address)
    done = run(host, "bridge", name="bridge0", address="192.168.5.1/24", persist="none")
    assert described(done)[:2] == [
        "remove 10.0.0.1/24 from bridge0",
        "add 192.168.5.1/24 to bridge0",
    ]
    done = run(host, "bridge", name="bridge0", address="fd00::2/64", persist="none")
    assert described(done) == ["remove fd00::1/64 from bridge0", "add fd00::2/64 to bridge0"]
    assert host.net.by_name["bridge0"].addresses == ("fe80::1/64", "192.168.5.1/24", "fd00::2/64")


def test_no_container_becomes_the_hosts_router(host: FakeHost) -> None:
    run(host, "bridge", name="bridge0")
    assert host.files.read("/proc/sys/net/ipv6/conf/bridge0/accept_ra") == b"0\n"


def test_a_bridge_with_ports_is_not_removed(host: FakeHost) -> None:
    host.net.create_bridge("br0")
    host.net.by_name["veth1"] = Link(name="veth1", kind="veth", master="br0")
    with pytest.raises(ConflictError, match="bridge 'br0' is in use by veth1"):
        run(host, "bridge", name="br0", state="absent")


def test_networkd_is_enabled_only_where_it_is_not(host: FakeHost) -> None:
    assert described(run(host, "bridge", name="bridge0"))[-1] == "enable systemd-networkd.service"
    host.files.seed("/run/systemd/netif/state")
    host.services.seed("systemd-networkd.service")
    assert run(host, "bridge", name="bridge0").changes == ()


def test_ifupdown_is_made_to_read_the_file() -> None:
    host = FakeHost()
    task_cases.ifupdown(host)
    done = run(host, "bridge", name="bridge0", address="192.168.5.1/24")
    assert done.values["persist"] == "ifupdown"
    content = host.files.read("/etc/network/interfaces").decode()
    assert content.endswith("source /etc/network/interfaces.d/bridge0\n")
    assert content.startswith("auto lo\n")


def test_a_host_without_a_manager_is_told_what_to_do() -> None:
    with pytest.raises(UnsupportedError, match="network manager: none") as caught:
        run(FakeHost(), "bridge", name="bridge0")
    assert "persist: none" in caught.value.hint
    assert run(FakeHost(), "bridge", name="bridge0", persist="none").changed


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ("source /etc/network/interfaces.d/*\n", True),
        ("source interfaces.d/*\n", True),
        ("  source   /etc/network/interfaces.d/bridge*\n", True),
        ("source-directory /etc/network/interfaces.d\n", True),
        ("source-directory interfaces.d/\n", True),
        ("#source /etc/network/interfaces.d/*\n", False),
        ("source /etc/network/interfaces.d/*.cfg\n", False),
        ("", False),
    ],
)
def test_what_interfaces_reads(content: str, read: bool) -> None:
    assert sources(content, "/etc/network/interfaces.d/bridge0") is read


def test_networkds_files() -> None:
    assert netdev(FULL).splitlines()[1:] == [
        "[NetDev]",
        "Name=bridge0",
        "Kind=bridge",
        "MTUBytes=1400",
        "",
        "[Bridge]",
        "STP=yes",
    ]
    assert network(FULL).splitlines()[-3:] == [
        "ConfigureWithoutCarrier=yes",
        "IPv6AcceptRA=no",
        "Address=192.168.5.1/24",
    ]
    assert "MTUBytes" not in netdev(Wanted(name="b"))
    assert "Address" not in network(Wanted(name="b"))


def test_ifupdowns_file() -> None:
    assert "iface bridge0 inet static\n    address 192.168.5.1/24\n" in interface(FULL)
    assert "stp_state 1" in interface(FULL)
    assert "iface b inet6 static" in interface(Wanted(name="b", address="fd00::1/64"))
    assert "iface b inet manual" in interface(Wanted(name="b"))
