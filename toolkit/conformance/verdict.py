"""What a check finds out: a verdict, what was seen, what was expected, and why."""

from dataclasses import dataclass
from enum import Enum

LONGEST = 1000


class Verdict(Enum):
    """``weaker``: the operator asked for less. ``na``: nothing here to check."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    WEAKER = "weaker"
    NA = "na"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A verdict with its grounds; ``layer`` names what stopped it, where that is known."""

    verdict: Verdict
    seen: str = ""
    expected: str = ""
    layer: str = ""
    reason: str = ""


def text(value: object) -> str:
    """How a value looks in a report: sets sorted, lists joined, nothing as a dash."""
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value) or "-"
    return str(value) if value not in ("", None) else "-"


def clean(words: str) -> str:
    """Fit for a terminal and for XML: what a container says may hold escape codes, or never end."""
    shown = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def holds(truth: bool, *, seen: object, expected: object, reason: str = "") -> Finding:
    """Pass if it is true; ``reason`` is told either way."""
    verdict = Verdict.PASS if truth else Verdict.FAIL
    return Finding(verdict=verdict, seen=text(seen), expected=text(expected), reason=reason)


def equal(seen: object, expected: object, *, reason: str = "") -> Finding:
    """Pass if both are the same."""
    return holds(seen == expected, seen=seen, expected=expected, reason=reason)


def differs(seen: object, other: object, *, reason: str = "") -> Finding:
    """Pass if they are not the same, as with an inode in the container and on the host."""
    return holds(seen != other, seen=seen, expected=f"not {text(other)}", reason=reason)


def none_of(found: "list[str] | tuple[str, ...]", *, expected: object, reason: str = "") -> Finding:
    """Pass if nothing was found; what was found is what the report shows."""
    return holds(not found, seen=list(found) or "none", expected=expected, reason=reason)


def weaker(reason: str, *, seen: object = "", expected: object = "") -> Finding:
    """The protection is missing because the configuration asks for less."""
    return Finding(verdict=Verdict.WEAKER, seen=text(seen), expected=text(expected), reason=reason)


def not_applicable(reason: str, *, seen: object = "") -> Finding:
    """This kernel, host or runtime has nothing for this check to look at."""
    return Finding(verdict=Verdict.NA, seen=text(seen), reason=reason)


def inconclusive(reason: str, *, seen: object = "") -> Finding:
    """The probe could not tell."""
    return Finding(verdict=Verdict.INCONCLUSIVE, seen=text(seen), reason=reason)


def denied(answers: "dict[str, str]", *, by: "tuple[str, ...]" = ("EPERM",)) -> Finding:
    """Pass if every call was refused with one of ``by``; ``ENOSYS`` everywhere is na.

    A call that the kernel was built without cannot harm, so it never fails a check.
    """
    known = {name: answer for name, answer in answers.items() if answer != "ENOSYS"}
    shown = [f"{name}={answer}" for name, answer in answers.items()]
    if not known:
        return not_applicable("this kernel was built without it", seen=shown)
    through = [f"{name}={answer}" for name, answer in known.items() if answer not in by]
    return holds(not through, seen=through or shown, expected="|".join(by))
