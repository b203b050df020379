"""``printf``: Go's verbs, flags, widths and precisions."""

import json
import re

from toolkit.cli.templates.values import NOTHING, inner, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_VERB = re.compile(r"%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.)?", re.DOTALL)
_INTEGERS: "dict[str, Callable[[int], str]]" = {
    "d": str,
    "x": lambda value: f"{value:x}",
    "X": lambda value: f"{value:X}",
    "o": lambda value: f"{value:o}",
    "b": lambda value: f"{value:b}",
    "c": chr,
    "q": lambda value: f"'{chr(value)}'",
    "U": lambda value: f"U+{value:04X}",
}
_FLOATS = "feEgGF"
_DEFAULT_PRECISION = 6


def printf(template: str, *values: object) -> str:
    """Text with ``values`` put in; what does not fit shows in the text, as Go has it."""
    rest = list(values)
    text = _VERB.sub(lambda match: _one(match, rest), template)
    if rest:
        extra = ", ".join(f"{_type(value)}={inner(value)}" for value in rest)
        text += f"%!(EXTRA {extra})"
    return text


def _one(match: "re.Match[str]", rest: list[object]) -> str:
    flags, width, precision, verb = match.groups()
    if verb is None:
        return "%!(NOVERB)"
    if verb == "%":
        return "%"
    wide = _count(width, rest)
    exact = _count(precision, rest) if precision is not None else None
    if not rest:
        return f"%!{verb}(MISSING)"
    if isinstance(wide, int) and wide < 0:
        flags, wide = f"{flags}-", -wide
    value = rest.pop(0)
    return _padded(_text(verb, value, flags, exact), flags, wide or 0, value)


def _count(text: str | None, rest: list[object]) -> int | None:
    if text is None:
        return None
    if text == "*":
        value = rest.pop(0) if rest else 0
        return value if isinstance(value, int) else 0
    return int(text or 0)


def _text(verb: str, value: object, flags: str, precision: int | None) -> str:
    if verb == "v":
        return inner(value)
    if verb == "T":
        return _type(value)
    if verb == "t" and isinstance(value, bool):
        return inner(value)
    if isinstance(value, list | tuple) and verb in ("s", "q", "d"):
        return f"[{' '.join(_text(verb, item, flags, precision) for item in value)}]"
    found = None
    if isinstance(value, str):
        found = _string(verb, value, precision)
    elif isinstance(value, int) and not isinstance(value, bool) and verb in _INTEGERS:
        found = _signed(_INTEGERS[verb](value), value, flags)
    elif isinstance(value, float) and verb in _FLOATS:
        found = _signed(_float(verb, value, precision), value, flags)
    return f"%!{verb}({_type(value)}={inner(value)})" if found is None else found


def _string(verb: str, value: str, precision: int | None) -> str | None:
    cut = value if precision is None else value[:precision]
    if verb == "s":
        return cut
    if verb == "q":
        return json.dumps(cut, ensure_ascii=False)
    if verb in ("x", "X"):
        text = cut.encode().hex()
        return text.upper() if verb == "X" else text
    return None


def _float(verb: str, value: float, precision: int | None) -> str:
    if verb in "gG" and precision is None:
        return number(value)
    exact = _DEFAULT_PRECISION if precision is None else precision
    return f"{value:.{exact}{verb}}"


def _signed(text: str, value: float, flags: str) -> str:
    if value < 0:
        return text
    return f"+{text}" if "+" in flags else f" {text}" if " " in flags else text


def _padded(text: str, flags: str, width: int, value: object) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and not isinstance(value, str):
        return text.zfill(width)
    return text.rjust(width)


def _type(value: object) -> str:
    if value is None or value is NOTHING:
        return "<nil>"
    names = ((bool, "bool"), (int, "int"), (float, "float64"), (str, "string"))
    found = (name for one, name in names if isinstance(value, one))
    return next(found, "map[string]interface {}" if isinstance(value, dict) else "[]interface {}")
