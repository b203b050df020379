"""Which checks prove a play."""

import pytest

from toolkit.cli.verify import proving
from toolkit.conformance.session import Options, selected
from toolkit.core.errors import InvalidInputError
from toolkit.tasks import registry


def test_the_basic_checks_are_always_run() -> None:
    checks = selected(Options())
    ids = proving(checks, ())
    assert ids
    assert set(ids) == {check.id for check in checks if check.tier == 0}


def test_a_task_adds_its_own() -> None:
    checks = selected(Options())
    later = next(check.id for check in checks if check.tier > 0)
    assert proving(checks, (later,))[-1] == later


def test_a_proof_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="NO-99"):
        proving(selected(Options()), ("NO-99",))


def test_every_task_names_checks_that_exist() -> None:
    proving(
        selected(Options()),
        [check for name in registry.names() for check in registry.load(name).proves],
    )
