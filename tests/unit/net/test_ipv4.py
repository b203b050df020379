"""Addresses as numbers, held to what ``ipaddress`` says."""

import ipaddress

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.net import ipv4
from toolkit.net.wiring import check_link_name, mac_of


@pytest.mark.parametrize(
    "text",
    ["192.168.5.1/24", "10.0.0.1/8", "10.1.255.9/16", "1.2.3.4/32", "0.0.0.0/0", "9.9.9.9/31"],
)
def test_an_interface_is_what_ipaddress_says(text: str) -> None:
    found, known = ipv4.parse_interface(text, what="x"), ipaddress.ip_interface(text)
    assert str(found) == text
    assert found.subnet == str(known.network)
    assert ipv4.dotted(found.high) == str(known.network.broadcast_address)
    assert int(known.ip) in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.x",
        "-1.2.3.4",
        "1.2.3.4 ",
        "²1.1.1.1",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"ip: '.*' is no IPv4 address"):
        ipv4.parse_address(text, what="ip")


@pytest.mark.parametrize("text", ["1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/x", "/24"])
def test_what_is_no_interface(text: str) -> None:
    with pytest.raises(InvalidInputError):
        ipv4.parse_interface(text, what="x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.1/31", "leaves no address"),
        ("10.0.0.0/24", "its broadcast"),
        ("10.0.0.255/24", "its broadcast"),
    ],
)
def test_what_is_no_address_for_a_bridge(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ipv4.parse_bridge_address(text, what="x")


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("10.0.0.0/8", "10.9.0.0/16", True),
        ("10.9.0.0/16", "10.0.0.0/8", True),
        ("10.0.0.0/24", "10.0.1.0/24", False),
        ("10.0.0.1/32", "10.0.0.0/31", True),
    ],
)
def test_subnets_overlap_or_not(one: str, two: str, *, expected: bool) -> None:
    first, second = (ipv4.parse_interface(text, what="x") for text in (one, two))
    assert first.overlaps(second) is expected


def test_a_hardware_address_holds_the_address() -> None:
    assert mac_of(ipv4.parse_address("192.168.5.2", what="x")) == "02:42:c0:a8:05:02"


@pytest.mark.parametrize("name", ["", ".", "..", 'a"b', "a b", "a/b", "a" * 16, "é"])
def test_names_that_no_rule_could_hold(name: str) -> None:
    with pytest.raises(InvalidInputError):
        check_link_name(name)
    assert check_link_name("br-1.2_x") == "br-1.2_x"
