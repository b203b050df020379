"""Find the checks of a folder without pytest: for ``--list``, and for asking before connecting."""

import importlib.util
import sys
from pathlib import Path

from toolkit.conformance.check import Check
from toolkit.core.errors import InvalidInputError, NotFoundError

# What a file of checks can do wrong while it is read.
_FAULTS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    SyntaxError,
    TypeError,
    ValueError,
)


def load(folder: str | Path) -> list[Check]:
    """Every check in ``test_*.py`` below ``folder``, in the order of their ids' areas.

    Two checks with one id are refused.
    """
    root = Path(folder)
    files = sorted(root.glob("**/test_*.py"))
    if not files:
        raise NotFoundError(f"no checks in '{root}'")
    found: dict[str, Check] = {}
    for file in files:
        for check in _in_file(root, file):
            if check.id in found:
                raise InvalidInputError(f"{file}: there is a check '{check.id}' already")
            found[check.id] = check
    return sorted(found.values(), key=lambda check: (check.area, check.id))


def _in_file(root: Path, file: Path) -> list[Check]:
    name = "dockyard_checks." + ".".join(file.relative_to(root).with_suffix("").parts)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise NotFoundError(f"'{file}' is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except _FAULTS as error:
        raise InvalidInputError(f"{file}: {type(error).__name__}: {error}") from error
    values = vars(module).values()
    return [value.check for value in values if isinstance(getattr(value, "check", None), Check)]


def select(
    checks: list[Check],
    *,
    areas: tuple[str, ...] = (),
    tier: int | None = None,
    ids: tuple[str, ...] = (),
) -> list[Check]:
    """Those of the given areas (letter, folder or first part of the id), tiers up to ``tier``, ids.

    An area or id that no check has is refused, so that a misspelt one never passes for proof.
    """
    for area in areas:
        if not any(_in_area(check, area) for check in checks):
            known = sorted({f"{check.area} ({check.subject})" for check in checks})
            raise InvalidInputError(f"no check is in area '{area}'", hint=", ".join(known))
    missing = sorted(set(ids) - {check.id for check in checks})
    if missing:
        raise InvalidInputError(f"no such check: {', '.join(missing)}")
    return [
        check
        for check in checks
        if (not areas or any(_in_area(check, area) for area in areas))
        and (tier is None or check.tier <= tier)
        and (not ids or check.id in ids)
    ]


def _in_area(check: Check, area: str) -> bool:
    wanted = area.upper()
    return wanted in (check.area, check.subject.upper()) or check.id.startswith(f"{wanted}-")
