"""Which value a name has, when it is rendered, and when facts are gathered."""

from collections.abc import Mapping
from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.scope import Scope
from toolkit.playbook.templating import UNKNOWN, UndefinedNameError


class Facts:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        return {"ansible_system": "Linux", "dockyard_features": {"overlay": True}, "v": "fact"}


def scope(facts: Facts | None = None, **layers: Mapping[str, Any]) -> Scope:
    whole: dict[str, Any] = {"written": {}, "extra": {}, "magic": {}, **layers}
    return Scope(facts=facts or Facts(), **whole)


def test_the_strongest_layer_wins() -> None:
    made = scope(written={"v": "play"}, magic={"v": "magic"})
    assert made.lookup("v") == "magic"
    made = scope(written={"v": "play"})
    assert made.lookup("v") == "play"
    made.enter_task({"v": "task"})
    assert made.lookup("v") == "task"
    made.learn("v", "registered")
    assert made.lookup("v") == "registered"
    made.enter_item("v", "item")
    assert made.lookup("v") == "item"
    assert scope(written={"v": "play"}, extra={"v": "extra"}).lookup("v") == "extra"


def test_a_task_s_own_end_with_it() -> None:
    made = scope(written={"v": "play"})
    made.enter_task({"v": "task"})
    made.enter_item("item", 1)
    made.enter_task({})
    assert made.lookup("v") == "play"
    assert made.lookup("item") is UNKNOWN


def test_facts_are_gathered_once_and_only_when_a_name_asks() -> None:
    facts = Facts()
    made = scope(facts, written={"v": "{{ n }}", "n": 1})
    assert made.render("{{ v }} {{ n }}") == "1 1"
    assert facts.asked == 0
    assert made.render("{{ ansible_system }} {{ dockyard_features.overlay }}") == "Linux True"
    assert made.render("{{ ansible_facts.system }}") == "Linux"
    assert facts.asked == 1


def test_a_fact_is_a_fact_only_under_its_prefix() -> None:
    assert scope().lookup("v") is UNKNOWN


def test_facts_that_a_module_reports_are_added() -> None:
    made = scope()
    made.learn_facts({"ansible_more": 1})
    assert made.render("{{ ansible_more }} {{ ansible_system }}") == "1 Linux"


def test_variables_are_rendered_when_they_are_used() -> None:
    made = scope(written={"a": ["{{ b }}", {"k": "{{ c }}"}], "b": 1})
    made.learn("c", "late")
    assert made.lookup("a") == [1, {"k": "late"}]


def test_a_registered_result_is_data() -> None:
    made = scope()
    made.learn("r", {"stdout": "{{ evil }}"})
    assert made.render("{{ r.stdout }}") == "{{ evil }}"
    assert made.render("{{ r }}") == {"stdout": "{{ evil }}"}


def test_a_variable_that_needs_an_undefined_one_is_undefined() -> None:
    made = scope(written={"a": "{{ nope }}"})
    assert made.render("{{ a | default('d') }}") == "d"
    assert made.holds(("a is not defined",)) is None
    with pytest.raises(UndefinedNameError, match="nope"):
        made.render("{{ a }}")


def test_plain_values_are_left_alone() -> None:
    value = {"a": [1, None, True, 1.5, "text"]}
    assert scope().render(value) == value


def test_the_first_false_condition_is_named() -> None:
    made = scope(written={"n": 1})
    assert made.holds(()) is None
    assert made.holds((True, "n == 1")) is None
    assert made.holds(("n == 1", "n == 2", "n == 3")) == "n == 2"
    assert made.holds((False,)) is False


@pytest.mark.parametrize("value", [1, "yes", [], None])
def test_only_true_and_false_decide(value: object) -> None:
    with pytest.raises(InvalidInputError, match="neither true nor false"):
        scope(written={"v": value}).holds(("v",))


def test_a_circle_is_told_with_its_way() -> None:
    made = scope(written={"a": "{{ b }}", "b": "{{ c }}", "c": "{{ a }}"})
    with pytest.raises(InvalidInputError, match="a -> b -> c -> a"):
        made.render("{{ a }}")
