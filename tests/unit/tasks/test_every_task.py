"""The meta-test: what holds for one task holds for all of them."""

import dataclasses
import typing

import pytest

from support.fake_host import FakeHost
from support.task_cases import CASES, Case
from toolkit.tasks import registry
from toolkit.tasks.changes import Change, from_data, to_data
from toolkit.tasks.perform import Outcome, perform
from toolkit.tasks.planned import PlannedHost

EVERY = pytest.mark.parametrize("name", registry.names())
CASE = pytest.mark.parametrize("case", CASES, ids=str)
HOLDING = [
    case
    for case in CASES
    if not registry.load(case.task).acts and not registry.load(case.task).reads
]
HOLDS = pytest.mark.parametrize("case", HOLDING, ids=str)
UNDONE = pytest.mark.parametrize("case", [case for case in HOLDING if case.undone], ids=str)
READS = pytest.mark.parametrize(
    "case", [case for case in CASES if registry.load(case.task).reads], ids=str
)


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is drawn is the same one in check mode and after."""
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 2 * size)


def settled(host: FakeHost) -> object:
    """The host's state without what only counts calls."""
    files, net, packages, units, _, executed = host.state()
    return files, net, packages, units, executed


def run(case: Case, host: FakeHost | PlannedHost) -> Outcome:
    return perform(registry.build(case.task, case.arguments), host)


def test_every_task_has_a_case() -> None:
    assert {case.task for case in CASES} == set(registry.names())


@EVERY
def test_a_task_says_what_it_does(name: str) -> None:
    kind = registry.load(name)
    assert kind.__doc__
    assert not kind.__doc__.startswith(kind.__name__ + "("), "the docstring is dataclass's own"


@EVERY
def test_a_task_is_frozen_and_typed(name: str) -> None:
    kind = registry.load(name)
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        assert hints[field.name] is not typing.Any
        assert field.kw_only
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined] # dataclasses sets it
    assert hasattr(kind, "__slots__")


@EVERY
def test_a_task_has_the_names_of_its_collections(name: str) -> None:
    for collection in ("ansible.builtin.", "ansible.posix.", "community.general."):
        assert registry.load(collection + name) is registry.load(name)


@CASE
def test_check_mode_leaves_the_host_alone_and_foresees_the_changes(case: Case) -> None:
    host = case.host()
    before = host.state()
    foreseen = run(case, PlannedHost(host))
    assert host.state() == before
    real = run(case, host)
    expected = [change.describe() for change in real.changes]
    if registry.load(case.task).acts:  # what follows from its answer cannot be foreseen
        expected = expected[: len(foreseen.changes)]
    assert [change.describe() for change in foreseen.changes] == expected
    assert real.changed is not registry.load(case.task).reads
    if not registry.load(case.task).acts:
        assert foreseen.changed == real.changed
        assert foreseen.values == real.values or foreseen.values.get("skipped")


@READS
def test_what_only_tells_never_changes(case: Case) -> None:
    host = case.host()
    before = host.state()
    told = run(case, host)
    assert (told.changes, host.state()) == ((), before)
    assert told.values


@HOLDS
def test_applied_twice_it_changes_once(case: Case) -> None:
    host = case.host()
    assert run(case, host).changed
    before = settled(host)
    again = run(case, host)
    assert again.changes == ()
    assert settled(host) == before


@HOLDS
def test_planned_twice_it_changes_once(case: Case) -> None:
    planned = PlannedHost(case.host())
    assert run(case, planned).changed
    assert run(case, planned).changes == ()


@UNDONE
def test_the_inverses_restore_the_host(case: Case) -> None:
    host = case.host()
    before = settled(host)
    done: list[Change] = []
    perform(registry.build(case.task, case.arguments), host, before=done.append)
    for change in reversed(done):
        back = change.inverse()
        assert back is not None, change.describe()
        from_data(to_data(back)).apply(host)
    assert settled(host) == before


@CASE
def test_every_change_can_be_shown(case: Case) -> None:
    for change in run(case, case.host()).changes:
        assert change.describe()
        assert "\n" not in change.describe()
        shown = change.difference()
        assert shown is None or shown.before != shown.after or shown.before_header == "/dev/null"
