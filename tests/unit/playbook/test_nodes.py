"""YAML with places."""

import pytest

from toolkit.playbook.faults import Faults, PlaybookError
from toolkit.playbook.nodes import parse


def plain(text: str) -> object:
    faults = Faults()
    root = parse(text, "f.yml", faults)
    faults.check()
    assert root is not None
    return root.plain()


def test_values_are_ansible_s() -> None:
    text = "a: yes\nb: off\nc: 0644\nd: 1.5\ne:\nf: '0644'\ng: 2024-01-02\nh: [1, x]\n3: n\n"
    assert plain(text) == {
        "a": True,
        "b": False,
        "c": 420,
        "d": 1.5,
        "e": None,
        "f": "0644",
        "g": "2024-01-02",
        "h": [1, "x"],
        "3": "n",
    }


def test_aliases_and_merges() -> None:
    assert plain("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\nc: *a\n") == {
        "a": {"x": 1, "y": 1},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 1},
    }


def test_every_node_knows_its_place() -> None:
    root = parse("- a: 1\n  b: [x,\n   y]\n", "f.yml", Faults())
    places = {str(node.plain()): str(node.place) for node in (root.walk() if root else ())}
    assert places["1"] == "f.yml:1:6"
    assert places["y"] == "f.yml:3:4"


def test_a_scalar_is_known_as_it_was_written() -> None:
    root = parse("a: 0644", "f.yml", Faults())
    value = root.get("a") if root else None
    assert value is not None
    assert (value.value, value.written) == (420, "0644")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:3:1: 'a' stands here twice (first in line 1)"),
        ("a: [1\n", "f.yml:2:1: not YAML"),
        ("a: {{ x }}\n", "a key must be text"),
        ("a: !other x\n", "f.yml:1:4: the YAML tag '!other' is not supported"),
        ("a: &a [*a]\n", "an alias that contains itself"),
        ("a:\n\t- b\n", "YAML is indented with spaces"),
        ("a: 1\n---\nb: 1\n", "f.yml:2:1: not YAML"),
    ],
)
def test_faults_have_a_place(text: str, said: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        plain(text)
    assert said in caught.value.message
