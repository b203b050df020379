"""Numbers in tar headers, and the extended headers of pax archives.

Source: POSIX pax(1), "pax Extended Header"; the GNU tar manual, "PAX Format" of sparse files.
Vendors: ``SCHILY.xattr.`` (raw value; star, GNU tar, Docker), ``LIBARCHIVE.xattr.`` (base64).
"""

import binascii
import re

from toolkit.core.errors import InvalidInputError

MAX_RECORDS = 1024 * 1024
_SCHILY = "SCHILY.xattr."
_LIBARCHIVE = "LIBARCHIVE.xattr."
_REPEATED = frozenset({"GNU.sparse.offset", "GNU.sparse.numbytes"})
_NANO = 1_000_000_000
_MAX_TIME = 1 << 38  # seconds: beyond what file systems store, within what utimensat takes
_TIME = re.compile(rb"(-?)(\d{1,20})(?:\.(\d*))?")

Segments = tuple[tuple[int, int], ...]


def parse(data: bytes) -> dict[str, bytes]:
    """The records of one extended header; those that GNU repeats are joined by commas."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        end = at + whole(data[at:space]) if space > at else at
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end <= max(at, space + 1) or data[end - 1 : end] != b"\n" or not equals:
            raise InvalidInputError("the archive has a broken extended header")
        name = key.decode("utf-8", "surrogateescape")
        if name in _REPEATED and name in found:
            value = found[name] + b"," + value
        found[name] = value
        at = end
    return found


def field_number(field: bytes) -> int:
    """A header's number: octal text, or GNU's big-endian binary where the first bit is set."""
    try:
        return int(field.strip(b" \0"), 8)
    except ValueError:
        return _odd_number(field)


def _odd_number(field: bytes) -> int:
    """What is not just octal digits."""
    if field[:1] >= b"\x80":
        bits = len(field) * 8 - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    text = field.split(b"\0", 1)[0].strip()
    try:
        return int(text or b"0", 8)
    except ValueError:
        raise InvalidInputError(f"the archive has a broken number {text!r}") from None


def whole(text: bytes) -> int:
    """A whole decimal number, 0 or more."""
    if not text.isdigit() or len(text) > 20:
        raise InvalidInputError(f"the archive has a broken number {text[:20]!r}")
    return int(text)


def number(extra: dict[str, bytes], name: str, field: bytes) -> int:
    """The record ``name``, or the header's own ``field`` where there is none."""
    text = extra.get(name)
    return whole(text) if text else field_number(field)


def mtime(extra: dict[str, bytes], field: bytes) -> int:
    """The time of last change in nanoseconds, clamped to what the kernel takes."""
    text = extra.get("mtime")
    if not text:
        seconds, rest = field_number(field), 0
    else:
        match = _TIME.fullmatch(text)
        if not match:
            raise InvalidInputError(f"the archive has a broken time {text[:30]!r}")
        sign = -1 if match[1] else 1
        seconds = sign * int(match[2])
        rest = sign * int((match[3] or b"")[:9].ljust(9, b"0"))
    return max(-_MAX_TIME, min(_MAX_TIME, seconds)) * _NANO + rest


def xattrs(extra: dict[str, bytes]) -> tuple[tuple[str, bytes], ...]:
    """Name and value of each extended attribute."""
    found = []
    for key, value in extra.items():
        if key.startswith(_SCHILY):
            found.append((key[len(_SCHILY) :], value))
        elif key.startswith(_LIBARCHIVE):
            found.append((_unquote(key[len(_LIBARCHIVE) :]), _base64(value)))
    if any("\0" in name for name, _ in found):
        raise InvalidInputError("the archive has a broken extended attribute")
    return tuple(found)


def sparse_form(extra: dict[str, bytes]) -> str:
    """Which of GNU's three forms of sparse file the records describe; ``""`` for none."""
    if "GNU.sparse.major" in extra:
        form = (extra["GNU.sparse.major"] + b"." + extra.get("GNU.sparse.minor", b"0")).decode()
        if form != "1.0":
            raise InvalidInputError(f"the archive has a sparse file of unknown form {form!r}")
        return form
    if "GNU.sparse.map" in extra:
        return "0.1"
    return "0.0" if "GNU.sparse.size" in extra else ""


def sparse_map(extra: dict[str, bytes]) -> tuple[int, Segments]:
    """Size and parts of a sparse file of the forms 0.0 and 0.1."""
    if "GNU.sparse.map" in extra:
        numbers = _numbers(extra["GNU.sparse.map"])
        offsets, lengths = numbers[::2], numbers[1::2]
    else:
        offsets = _numbers(extra.get("GNU.sparse.offset", b""))
        lengths = _numbers(extra.get("GNU.sparse.numbytes", b""))
    if len(offsets) != len(lengths):
        raise InvalidInputError("a sparse file's map is cut short")
    size = whole(extra.get("GNU.sparse.size", b""))
    return size, tuple(zip(offsets, lengths, strict=True))


def _numbers(text: bytes) -> list[int]:
    return [whole(part) for part in text.split(b",")] if text else []


def _unquote(name: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - only libarchive quotes names

    return unquote(name)


def _base64(value: bytes) -> bytes:
    try:
        return binascii.a2b_base64(value + b"=" * (-len(value) % 4))
    except binascii.Error:
        raise InvalidInputError("the archive has a broken extended attribute") from None
