"""INI inventories: what they mean, and what is refused with its line."""

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.inventory import ini
from toolkit.inventory.builder import Builder, expand
from toolkit.inventory.model import Inventory

SITE = """\
alone ansible_port=2222            # a comment
[web]
web[01:03].example.org role=front
10.0.0.7:2200
[db]
db[a:c]
[prod:children]
web
db
[prod:vars]
tier = gold
limit=5
names=['a', 'b']
flag=yes
[all:vars]
ntp=time.example.org
"""


def read(text: str) -> Inventory:
    builder = Builder()
    ini.read(text, "hosts", builder)
    return builder.made()


def test_ranges_stand_for_their_hosts() -> None:
    site = read(SITE)
    webs = [f"web0{number}.example.org" for number in (1, 2, 3)]
    assert site.members("web") == (*webs, "10.0.0.7")
    assert site.members("db") == ("dba", "dbb", "dbc")


def test_a_group_holds_the_hosts_of_its_children() -> None:
    assert len(read(SITE).members("prod")) == 7
    assert read(SITE).groups_of("dba") == ("db", "prod")


def test_variables_of_host_group_and_all() -> None:
    site = read(SITE)
    assert site.variables("web02.example.org") == {
        "ntp": "time.example.org",
        "tier": "gold",
        "limit": 5,
        "names": ["a", "b"],
        "flag": "yes",
        "role": "front",
    }
    assert site.variables("alone") == {"ntp": "time.example.org", "ansible_port": 2222}
    assert site.variables("10.0.0.7")["ansible_port"] == 2200


def test_hosts_outside_any_group_are_ungrouped() -> None:
    assert read(SITE).listing()["ungrouped"] == ["alone"]
    assert read("a\n[g]\na\n").listing()["ungrouped"] == []


def test_a_child_s_variables_win_over_its_parent_s() -> None:
    site = read("[a]\nh\n[z:children]\na\n[a:vars]\nv=child\n[z:vars]\nv=parent\n")
    assert site.variables("h")["v"] == "child"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web\n", "hosts:1: '[web' is no section"),
        ("\n[web:vras]\n", "hosts:2: a section is of the unknown kind 'vras'"),
        ("a b\n", "hosts:1: expected 'name=value' after the host, not 'b'"),
        ("[a:children]\nb\n", "hosts:2: 'a' has the child 'b', which is no group"),
        ("[a:vars]\nb\n", "hosts:2: expected 'name=value', not 'b'"),
        ("a x='b\n", "hosts:1: no closing quotation: 'a x='b'"),
        ("[a:children]\nb\n[b:children]\na\n", "would be below itself"),
        ("w[3:1]\n", "hosts:1: the range '[3:1]' is empty"),
        ("w[1:a]\n", "hosts:1: the range '[1:a]' has ends of two kinds"),
        ("w[1\n", "hosts:1: 'w[1' is no range"),
        ("w[0:999999]\n", "more than 100000 hosts"),
    ],
)
def test_a_fault_names_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(text)
    assert said in caught.value.message


def test_ranges_with_steps_and_several_of_them() -> None:
    assert expand("n[0:8:4]", "x") == ["n0", "n4", "n8"]
    assert expand("r[1:2]n[a:b]", "x") == ["r1na", "r1nb", "r2na", "r2nb"]
    assert expand("n[08:10]", "x") == ["n08", "n09", "n10"]
