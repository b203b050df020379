"""Expressions keep types; faults name the expression."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.templating import UNKNOWN, Engine, UndefinedNameError

VALUES: dict[str, Any] = {
    "n": 7,
    "t": "10",
    "l": [1, 2],
    "d": {"k": "v"},
    "none": None,
    "yes": "no",
}


@pytest.fixture
def engine() -> Engine:
    return Engine(lambda name: VALUES.get(name, UNKNOWN), {"part.j2": "part {{ n }}"}.get)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ n }}", 7),
        ("{{ t }}", "10"),
        ("{{ l }}", [1, 2]),
        ("{{ d.k }}", "v"),
        ("{{ n + 1 }}", 8),
        ("{{ true }}", True),
        ("{{ 'a' }}", "a"),
        ("{{ [] }}", []),
        ("{{ {'a': 1} }}", {"a": 1}),
        ("{{ n }}{{ n }}", "77"),
        ("a{{ n }}", "a7"),
        ("{{ l | length > 1 }}", True),
        ("{% if n == 7 %}x{% else %}y{% endif %}", "x"),
        ("{{ t | int + 1 }}", 11),
        ("{{ yes | bool }}", False),
        ("{{ d | combine({'z': 1}) }}", {"k": "v", "z": 1}),
        ("{{ d | dict2items }}", [{"key": "k", "value": "v"}]),
        ("{{ l | to_json }}", "[1, 2]"),
        ("{{ '/a/b' | basename }}", "b"),
        ("{{ 'abc' | regex_replace('b', 'x') }}", "axc"),
        ("{{ 'abc' | regex_search('b(.)', '\\1') }}", ["c"]),
        ("{{ 'abc' | regex_replace('(b)', '<\\1>') }}", "a<b>c"),
        ("a{{ n }}\n\n", "a7\n\n"),
        ("{{ t }}\n", "10\n"),
        ("{{ n }}\n", 7),
        ("{{ (n > 3) | ternary('y', 'n') }}", "y"),
        ("{{ [1, [2, [3]]] | flatten }}", [1, 2, 3]),
        ("{{ 'x' | b64encode | b64decode }}", "x"),
        ("{{ nope | default('d') }}", "d"),
        ("{{ l | zip(['a', 'b']) | list }}", [[1, "a"], [2, "b"]]),
        ("{{ l | union([2, 3]) }}", [1, 2, 3]),
        ("{{ l | intersect([2, 3]) }}", [2]),
        ("{{ l | difference([2, 3]) }}", [1]),
        ("{{ d.nope | default(3) }}", 3),
        ("{{ nope.x.y | default(3) }}", 3),
        ("{{ d.nope['x'] is defined }}", False),
        ("{{ l | map('string') | join(',') }}", "1,2"),
    ],
)
def test_a_lone_expression_keeps_its_type(engine: Engine, text: str, value: Any) -> None:
    found = engine.value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n == 7 and t is defined", True),
        ("nope is defined", False),
        ("'^1' and t is match('1')", True),
    ],
)
def test_conditions_are_bare_expressions(engine: Engine, text: str, value: bool) -> None:
    assert engine.condition(text) is value


@pytest.mark.parametrize("text", ["{{ nope }}", "{{ d.nope }}", "{{ d.nope.x }}", "a {{ nope }}"])
def test_an_undefined_name_is_an_error(engine: Engine, text: str) -> None:
    with pytest.raises(UndefinedNameError, match="nope"):
        engine.value(text)


@pytest.mark.parametrize(
    "text", ["{{ n / 0 }}", "{{ 'perhaps' | bool }}", "{{ n + t }}", "{{ n.x() }}"]
)
def test_a_failing_expression_is_named(engine: Engine, text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        engine.value(text)
    assert caught.value.message.startswith(f"'{text}'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ n | lowr }}", "unknown filter 'lowr'"),
        ("{{ n is evn }}", "unknown test 'evn'"),
        ("{{ n ", "not a valid expression"),
        ("{% if %}", "not a valid expression"),
    ],
)
def test_faults_are_found_without_a_host(engine: Engine, text: str, said: str) -> None:
    line, message, _ = engine.fault(text)
    assert (line, said in message) == (1, True)


def test_a_template_file_is_text_and_may_include_others(engine: Engine) -> None:
    text = "a {{ n }}\n{% for x in l %}\n- {{ x }}\n{% endfor %}\n{% include 'part.j2' %}\n"
    assert engine.file(text, "t.j2") == "a 7\n- 1\n- 2\npart 7\n"
    assert engine.included(text) == ("part.j2",)


def test_how_blocks_are_trimmed_is_the_template_s_choice(engine: Engine) -> None:
    text = "  {% if n %}\nx\n  {% endif %}\n"
    assert engine.file(text, "t.j2") == "  x\n  \n"
    assert engine.file(text, "t.j2", lstrip_blocks=True) == "x\n"
    assert engine.file(text, "t.j2", trim_blocks=False) == "  \nx\n  \n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ n }} boxes\n", "7 boxes\n"),
        ("{{ n }}\n\n", "7\n\n"),
        ("{{ 'a\n' }}\n", "a\n"),
        ("{{ l }}\n", [1, 2]),
    ],
)
def test_a_text_keeps_its_last_line_feed(engine: Engine, text: str, value: Any) -> None:
    assert engine.value(text) == value
