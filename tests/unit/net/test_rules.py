"""The rules as text; what they do is tried by packets in tests/root/net."""

from typing import Any

import pytest

from toolkit.net import rules
from toolkit.net.ipv4 import parse_interface
from toolkit.net.wiring import Bridge, Closed, Endpoint, Port


def bridge(link: str = "bridge0", address: str = "192.168.5.1/24", **more: Any) -> Bridge:
    return Bridge(link=link, address=parse_interface(address, what="x"), **more)


CLOSED = Closed(ipv4=("lan0", "wan0"))
ENDPOINT = Endpoint(
    bridge="bridge0",
    link="veth1",
    mac="02:42:c0:a8:05:02",
    address="192.168.5.2",
    ports=(
        Port(protocol="tcp", host="", outer=8080, inner=80),
        Port(protocol="udp", host="127.0.0.1", outer=53, inner=5353),
    ),
)


def test_a_container_joins_by_elements_alone() -> None:
    assert rules.joining(ENDPOINT).splitlines() == [
        'add element bridge dockyard endpoints { "veth1" . 02:42:c0:a8:05:02 . 192.168.5.2 }',
        'add element bridge dockyard wires { "veth1" : goto own_name }',
        "add element inet dockyard published_everywhere { tcp . 8080 : 192.168.5.2 . 80 }",
        "add element inet dockyard published { udp . 127.0.0.1 . 53 : 192.168.5.2 . 5353 }",
    ]


def test_leaving_is_right_whatever_is_left() -> None:
    lines = rules.leaving(ENDPOINT).splitlines()
    added, deleted = lines[::2], lines[1::2]
    assert added == rules.joining(ENDPOINT).splitlines()
    assert deleted == [line.replace("add", "delete", 1) for line in added]


def test_joining_is_refused_where_the_skeleton_is_another() -> None:
    first = rules.checking(rules.state([bridge()]))
    assert first == f"flush chain inet dockyard {rules.state([bridge()])}\n"
    assert f"chain {rules.state([bridge()])} {{ }}" in rules.whole([bridge()])


@pytest.mark.parametrize(
    "other",
    [
        [],
        [bridge("br1")],
        [bridge(address="192.168.5.1/25")],
        [bridge(internal=True)],
        [bridge(), bridge("br1", "10.0.0.1/8")],
    ],
)
def test_a_skeleton_is_known_by_its_bridges(other: list[Bridge]) -> None:
    assert rules.state(other) != rules.state([bridge()])
    assert rules.state([bridge()], closed=CLOSED) != rules.state([bridge()])
    assert rules.state(list(reversed(other))) == rules.state(other)


def test_the_whole_replaces_both_tables_at_once() -> None:
    text = rules.whole([bridge(), bridge("br1", "10.0.0.1/8", internal=True)], [ENDPOINT])
    assert text.startswith("add table inet dockyard\ndelete table inet dockyard\n")
    assert text.index("delete table bridge dockyard") < text.index("table inet dockyard {")
    assert text.endswith(rules.joining(ENDPOINT))
    assert 'iifname "br1" drop' in text
    assert 'oifname != "bridge0" ip saddr 192.168.5.0/24 masquerade' in text
    assert 'oifname != "br1"' not in text


def test_a_host_that_was_no_router_becomes_none() -> None:
    said = 'meta nfproto ipv4 iifname { "lan0", "wan0" } oifname { "lan0", "wan0" } drop'
    assert said in rules.whole([bridge()], closed=CLOSED)
    chain = rules.whole([bridge()]).partition("chain forward")[2].partition("}")[0]
    assert chain.split()[-1] == "containers"


def test_no_bridge_at_all() -> None:
    assert "elements" not in rules.whole([])
