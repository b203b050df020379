"""What is written beside other people's rules, as text; that it works is tried by packets."""

import pytest

from toolkit.net import foreign, legacy
from toolkit.net.foreign import Closed

FORWARD = Closed(table="ip filter", chain="FORWARD")
FIREWALLD = Closed(table="inet firewalld", chain="filter_INPUT")


@pytest.mark.parametrize(
    ("one", "own"),
    [
        (FORWARD, "DOCKYARD-FORWARD"),
        (FIREWALLD, "DOCKYARD-INPUT"),
        (Closed(table="ip6 filter", chain="INPUT", old=True), "DOCKYARD-INPUT"),
    ],
)
def test_our_chain_is_named_after_theirs(one: Closed, own: str) -> None:
    assert one.own == own


def test_what_leads_to_docker_is_left_between_what_comes_in_and_what_goes_out() -> None:
    assert foreign.accepting(["bridge0"], FORWARD, others=["docker0"]).splitlines() == [
        "add chain ip filter DOCKYARD-FORWARD",
        "flush chain ip filter DOCKYARD-FORWARD",
        'add rule ip filter DOCKYARD-FORWARD oifname "bridge0" counter accept',
        'add rule ip filter DOCKYARD-FORWARD oifname "docker0" counter return',
        'add rule ip filter DOCKYARD-FORWARD iifname "bridge0" counter accept',
    ]
    assert legacy.accepting(
        ["bridge0"], "FORWARD", "DOCKYARD-FORWARD", others=["docker0"]
    ).splitlines() == [
        "*filter",
        ":DOCKYARD-FORWARD - [0:0]",
        "-A DOCKYARD-FORWARD -o bridge0 -j ACCEPT",
        "-A DOCKYARD-FORWARD -o docker0 -j RETURN",
        "-A DOCKYARD-FORWARD -i bridge0 -j ACCEPT",
    ]


def test_only_questions_for_names_are_let_in() -> None:
    lines = foreign.accepting(["a", "b"], FIREWALLD).splitlines()[2:]
    assert lines == [
        f'add rule inet firewalld DOCKYARD-INPUT iifname "{link}" {kind} dport 53 counter accept'
        for link in ("a", "b")
        for kind in ("udp", "tcp")
    ]
    assert legacy.accepting(["a"], "INPUT", "DOCKYARD-INPUT").splitlines()[2:] == [
        "-A DOCKYARD-INPUT -i a -p udp -m udp --dport 53 -j ACCEPT",
        "-A DOCKYARD-INPUT -i a -p tcp -m tcp --dport 53 -j ACCEPT",
    ]
