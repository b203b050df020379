"""The nearest known name, for hints. Imports ``difflib`` only when a hint is needed."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: "Iterable[str]") -> str:
    """The known name most like ``name``, or ``""`` where none comes close."""
    import difflib  # noqa: PLC0415 - 4 ms that only an error needs

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def did_you_mean(name: str, known: "Iterable[str]") -> str:
    """``did you mean 'x'?`` for the nearest known name, or ``""``."""
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else ""
