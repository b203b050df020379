"""Host patterns, as Ansible reads them."""

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.inventory import ini
from toolkit.inventory.builder import Builder
from toolkit.inventory.model import Inventory
from toolkit.inventory.patterns import select, split


@pytest.fixture
def site() -> Inventory:
    builder = Builder()
    text = "[web]\nw[1:3]\n[db]\nd[1:3]\n[eu]\nw1\nd1\n[old]\nw3\n[both:children]\nweb\ndb\n"
    ini.read(text, "hosts", builder)
    return builder.made()


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", "w1 w2 w3 d1 d2 d3"),
        ("*", "w1 w2 w3 d1 d2 d3"),
        ("web", "w1 w2 w3"),
        ("w1,d2", "w1 d2"),
        ("web:db", "w1 w2 w3 d1 d2 d3"),
        ("web:&eu", "w1"),
        ("web:!old", "w1 w2"),
        ("!old:web", "w1 w2"),
        ("both:&eu:!d1", "w1"),
        ("!db", "w1 w2 w3"),
        ("~w[12]", "w1 w2"),
        ("~^d.$:!x", ""),
        ("db[0]", "d1"),
        ("db[-1]", "d3"),
        ("db[0:1]", "d1 d2"),
        ("db[1:]", "d2 d3"),
        ("w*", "w1 w2 w3"),
        ("?2", "w2 d2"),
        ("nothing", ""),
    ],
)
def test_a_pattern_names_hosts(site: Inventory, pattern: str, hosts: str) -> None:
    assert " ".join(select(site, pattern)) == hosts


def test_a_strict_pattern_names_the_nearest_group(site: Inventory) -> None:
    with pytest.raises(InvalidInputError) as caught:
        select(site, "wbe", strict=True)
    assert caught.value.message == "'wbe' is neither a host nor a group"
    assert caught.value.hint == "did you mean 'web'?"


def test_a_broken_regex_is_refused(site: Inventory) -> None:
    with pytest.raises(InvalidInputError, match="no regular expression"):
        select(site, "~(")


def test_an_ipv6_address_is_one_part() -> None:
    assert split("fe80::1,web:&eu") == ["fe80::1", "web", "&eu"]
