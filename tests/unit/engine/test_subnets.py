"""Which subnets a network gets, and what is refused."""

import ipaddress

import pytest

from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError
from toolkit.engine import subnets
from toolkit.engine.netstore import Network
from toolkit.net.ipv4 import parse_interface
from toolkit.net.ipv6 import parse_interface6
from toolkit.net.wiring import Bridge


def network(address: str, address6: str = "") -> Network:
    second = parse_interface6(address6, what="x") if address6 else None
    bridge = Bridge(link="br1", address=parse_interface(address, what="x"), address6=second)
    return Network(name="other", id="1", bridge=bridge, created=0.0)


OTHERS = [network("10.1.0.1/16", "fd00:1::1/64")]


@pytest.mark.parametrize(
    ("asked", "gateways", "expected"),
    [
        (("10.2.0.0/24",), (), "10.2.0.1/24"),
        (("10.2.0.0/24",), ("10.2.0.254",), "10.2.0.254/24"),
        (("fd00:2::/64", "10.2.0.0/30"), ("fd00:2::9",), "10.2.0.1/30"),
    ],
)
def test_the_bridges_address(
    asked: tuple[str, ...], gateways: tuple[str, ...], expected: str
) -> None:
    assert str(subnets.choose(asked, gateways, OTHERS)) == expected


@pytest.mark.parametrize(
    ("asked", "gateways", "message"),
    [
        (("10.2.0.1/24",), (), "has bits beyond its prefix"),
        (("10.2.0.0/24", "10.3.0.0/24"), (), "one of IPv4, not 2"),
        (("10.2.0.0/24",), ("10.3.0.1",), "gateway: 10.3.0.1 is not in 10.2.0.0/24"),
        (("10.2.0.0/24",), ("10.2.0.0",), "10.2.0.0"),
        (("10.2.0.0/24",), ("x",), "gateway: 'x'"),
        ((), ("10.2.0.1",), "a gateway is given without its subnet"),
        (("10.2.0.0",), (), "10.2.0.0"),
        (("10.2.0.0/33",), (), "10.2.0.0/33"),
        (("10.2.0.0/31",), (), "leaves no address for containers"),
        (("",), (), "subnet: it is empty"),
        (("10.2.0.0/24",), ("",), "gateway: it is empty"),
        (("10.1.128.0/24",), (), "overlaps 10.1.0.0/16 of network 'other'"),
        (("10.0.0.0/8",), (), "overlaps 10.1.0.0/16 of network 'other'"),
    ],
)
def test_what_is_no_subnet_of_ipv4(
    asked: tuple[str, ...], gateways: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ToolkitError, match=message):
        subnets.choose(asked, gateways, OTHERS)


@pytest.mark.parametrize(
    ("asked", "gateways", "message"),
    [
        (("fd00:2::1/64",), (), "has bits beyond its prefix"),
        (("fd00:2::/64", "fd00:3::/64"), (), "one of IPv6, not 2"),
        (("fd00:2::/64",), ("fd00:3::1",), "gateway: fd00:3::1 is not in"),
        (("fd00:1::/80",), (), "overlaps fd00:1::/64 of network 'other'"),
        (("fd00:2::/129",), (), "fd00:2::/129"),
        (("fd00::2::/64",), (), "subnet"),
    ],
)
def test_what_is_no_subnet_of_ipv6(
    asked: tuple[str, ...], gateways: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ToolkitError, match=message):
        subnets.choose6(asked, gateways, OTHERS, wanted=True)


def test_ipv6_as_asked_or_local_and_unique_or_none() -> None:
    assert subnets.choose6((), (), OTHERS, wanted=False) is None
    assert str(subnets.choose6(("fd00:2::/64",), (), OTHERS, wanted=False)) == "fd00:2::1/64"
    chosen = [subnets.choose6((), (), OTHERS, wanted=True) for _ in range(2)]
    assert chosen[0] != chosen[1]
    local = ipaddress.IPv6Network("fd00::/8")
    assert all(ipaddress.IPv6Interface(str(one)).network.subnet_of(local) for one in chosen)


def test_a_chosen_subnet_is_nobodys() -> None:
    taken: list[Network] = []
    for _ in range(5):
        chosen = subnets.choose((), (), taken)
        assert not any(chosen.overlaps(one.bridge.address) for one in taken)
        taken.append(network(str(chosen)))
    with pytest.raises(ConflictError, match="no subnet is free"):
        subnets.choose((), (), [network("172.16.0.1/12"), network("192.168.0.1/16")])


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [((), ()), (("10.2.0.128/25",), (0x0A020080, 0x0A0200FF)), (("10.2.0.0/24",), None)],
)
def test_the_range_that_is_given_out(
    ranges: tuple[str, ...], expected: tuple[int, ...] | None
) -> None:
    address = parse_interface("10.2.0.1/24", what="x")
    assert subnets.span(ranges, address) == (expected or subnets.span(ranges, address))


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (("10.3.0.0/25",), "ip-range: 10.3.0.0/25 is not in 10.2.0.0/24"),
        (("10.0.0.0/8",), "is not in 10.2.0.0/24"),
        (("fd00::/80",), "one of IPv4"),
        (("10.2.0.0/25", "10.2.0.128/25"), "and no more"),
        (("x",), "ip-range"),
    ],
)
def test_what_is_no_range(ranges: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        subnets.span(ranges, parse_interface("10.2.0.1/24", what="x"))
