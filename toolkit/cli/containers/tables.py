"""Docker's way to print tables, times and shortened words."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MINIMUM, _GAP = 10, 3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def table(rows: "Sequence[Sequence[str]]") -> str:
    """Columns as wide as their widest cell and three blanks; nothing after the last one."""
    widths = [
        max(_MINIMUM, *(len(row[at]) + _GAP for row in rows if at < len(row)))
        for at in range(max(len(row) for row in rows))
    ]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join((*cells, row[-1])))
    return "\n".join(lines)


def ago(seconds: float) -> str:
    """A span in Docker's words: ``Less than a second``, ``About a minute``, ``3 hours``."""
    whole = int(seconds)
    hours = int(seconds / _HOUR + 0.5)
    spans = (
        (whole < 1, "Less than a second"),
        (whole == 1, "1 second"),
        (whole < _MINUTE, f"{whole} seconds"),
        (whole < 2 * _MINUTE, "About a minute"),
        (whole < _HOUR, f"{whole // _MINUTE} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 14, f"{hours // 24} days"),
        (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 730, f"{hours // 24 // 30} months"),
    )
    return next((text for holds, text in spans if holds), f"{hours // 24 // 365} years")


def since(moment: float) -> str:
    """How long ago a time was."""
    return ago(max(0.0, time.time() - moment))


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters, the last one an ellipsis where something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def human_size(count: float, *, digits: int = 3) -> str:
    """Bytes in powers of 1000, as Docker prints them: ``1.23MB``."""
    units = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
    return _scaled(count, 1000.0, units, digits)


def binary_size(count: float, *, digits: int = 4) -> str:
    """Bytes in powers of 1024: ``1.5MiB``."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    return _scaled(count, 1024.0, units, digits)


def _scaled(count: float, base: float, units: "Sequence[str]", digits: int) -> str:
    place = 0
    while count >= base and place < len(units) - 1:
        count /= base
        place += 1
    return f"{count:.{digits}g}{units[place]}"
