"""Docker's way to print tables, times and shortened words."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MINIMUM, _GAP = 10, 3


def table(rows: "Sequence[Sequence[str]]", *, least: int = _MINIMUM) -> str:
    """Columns as wide as their widest cell and three blanks; nothing after the last one."""
    widths = [
        max(least, *(len(row[at]) + _GAP for row in rows if at < len(row)))
        for at in range(max(len(row) for row in rows))
    ]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join((*cells, row[-1])))
    return "\n".join(lines)


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
