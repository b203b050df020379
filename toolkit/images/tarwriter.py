"""Entries as bytes of a tar archive: ustar, with a pax header where ustar is too small for one.

The twin of ``tar``. Nothing depends on the time or on who runs it, so the same files give the same
bytes. Source: POSIX pax(1), "ustar Interchange Format" and "pax Extended Header".
"""

import os
from collections.abc import Iterator

from toolkit.images.tar import BLOCK, BLOCKDEV, CHAR, DIRECTORY, FILE, Entry

END = bytes(2 * BLOCK)
_NANO = 1_000_000_000
_PIECE = 256 << 10  # bytes read at once
_PAD = [bytes(-size % BLOCK) for size in range(BLOCK)]


def padding(size: int) -> bytes:
    """What follows ``size`` bytes of data."""
    return _PAD[size % BLOCK]


def content(fd: int, size: int) -> Iterator[bytes]:
    """Exactly ``size`` bytes of a file, zeros for what was cut off meanwhile, and the padding."""
    left = size
    while left:
        data = os.read(fd, min(left, _PIECE))
        if not data:
            yield bytes(left)
            break
        left -= len(data)
        yield data
    if size:
        yield padding(size)


def header(entry: Entry) -> bytes:
    """The blocks that stand before an entry's data."""
    name = entry.name + b"/" if entry.kind == DIRECTORY and entry.name[-1:] != b"/" else entry.name
    size = entry.size if entry.kind == FILE else 0
    records: list[tuple[bytes, bytes]] = []
    prefix, short = _split(name)
    if short is None:
        records.append((b"path", name))
        short = name[:100]
    link = entry.link
    if len(link) > 100 or not link.isascii():
        records.append((b"linkpath", link))
    if entry.uid > 0o7777777:
        records.append((b"uid", b"%d" % entry.uid))
    if entry.gid > 0o7777777:
        records.append((b"gid", b"%d" % entry.gid))
    if size > 0o77777777777:
        records.append((b"size", b"%d" % size))
    seconds, rest = divmod(entry.mtime_ns, _NANO)
    if rest or not 0 <= seconds <= 0o77777777777:
        records.append((b"mtime", _time(entry.mtime_ns)))
    for key, value in sorted(entry.xattrs):
        records.append((b"SCHILY.xattr." + os.fsencode(key), value))
    block = _block(
        (short, prefix, link[:100]),
        (entry.mode, entry.uid & 0o7777777, entry.gid & 0o7777777),
        (size & 0o77777777777, seconds if 0 <= seconds <= 0o77777777777 else 0),
        kind=entry.kind,
        device=entry.device if entry.kind in (CHAR, BLOCKDEV) else 0,
    )
    return _extended(records) + block if records else block


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """Prefix and name as ustar has them; None for a name that does not fit."""
    if not name.isascii():
        return b"", None
    if len(name) <= 100:
        return b"", name
    cut = name.rfind(b"/", 0, min(156, len(name) - 1))
    if cut > 0 and len(name) - cut - 1 <= 100:
        return name[:cut], name[cut + 1 :]
    return b"", None


def _time(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, rest = divmod(abs(nanoseconds), _NANO)
    return sign + (b"%d.%09d" % (seconds, rest)).rstrip(b"0").rstrip(b".")


def _extended(records: list[tuple[bytes, bytes]]) -> bytes:
    data = b"".join(_record(key, value) for key, value in records)
    names = (b"PaxHeaders/entry", b"", b"")
    block = _block(names, (0o644, 0, 0), (len(data), 0), kind=b"x", device=0)
    return block + data + padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    """A record begins with its own length, whose digits count too."""
    bare = len(key) + len(value) + 3
    size = bare + len(str(bare))
    if bare + len(str(size)) != size:
        size = bare + len(str(size))
    return b"%d %s=%s\n" % (size, key, value)


def _block(
    names: tuple[bytes, bytes, bytes],
    owner: tuple[int, int, int],
    numbers: tuple[int, int],
    *,
    kind: bytes,
    device: int,
) -> bytes:
    """One header block of name, prefix and link; mode, uid and gid; size and seconds."""
    before = b"".join(
        (
            names[0].ljust(100, b"\0"),
            b"%07o\0%07o\0%07o\0" % owner,
            b"%011o\0%011o\0" % numbers,
        )
    )
    after = b"".join(
        (
            kind,
            names[2].ljust(100, b"\0"),
            b"ustar\00000",
            bytes(64),
            b"%07o\0%07o\0" % (os.major(device), os.minor(device)),
            names[1].ljust(155, b"\0"),
            bytes(12),
        )
    )
    total = sum(before) + sum(after) + 8 * 0x20  # the sum's own field counts as blanks
    return before + b"%06o\0 " % total + after
