"""A streaming reader of tar archives: v7, ustar, pax and GNU, sparse files, long names.

Own code because ``tarfile`` costs three times as much a file and keeps every member. Names
and links are bytes, as the kernel has them. Every number, name and map that an archive gives is
bounded. Source: POSIX pax(1), "ustar Interchange Format"; the GNU tar manual, "Basic Tar Format"
and "Storing Sparse Files".
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from toolkit.core.errors import InvalidInputError
from toolkit.images import pax
from toolkit.images.pax import Segments

BLOCK = 512
CHUNK = 256 * 1024
MAX_NAME = 4095  # PATH_MAX without its NUL
MAX_HEADERS = 64  # of pax and long names before one entry
MAX_SEGMENTS = 65536

FILE, HARDLINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO = (b"%d" % n for n in range(7))
_FILE_KINDS = frozenset({b"0", b"\0", b"7", b"S"})
_KINDS = frozenset({FILE, HARDLINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO})
_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_SPARSE = struct.Struct("12s12s")
_NO_BLOCK = bytes(BLOCK)


class Source(Protocol):
    """Where a tar archive comes from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end."""

    def skip(self, size: int, /) -> None:
        """Leave ``size`` bytes out."""


class Entry(NamedTuple):
    """One entry. ``size`` is that of the file; ``segments`` are (offset, length) of its data."""

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    device: int
    xattrs: tuple[tuple[str, bytes], ...]
    segments: Segments | None


class PipeSource:
    """A stream that only goes on."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        return os.read(self._fd, size)

    def skip(self, size: int, /) -> None:
        """Read them away."""
        while size:
            data = os.read(self._fd, min(size, CHUNK))
            if not data:
                raise truncated()
            size -= len(data)


class FileSource:
    """A part of an open file, from ``offset`` on, ``size`` bytes long."""

    def __init__(self, fd: int, *, offset: int, size: int) -> None:
        self._fd = fd
        self._next = offset
        self._end = offset + size

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        data = os.pread(self._fd, min(size, self._end - self._next), self._next)
        self._next += len(data)
        return data

    def skip(self, size: int, /) -> None:
        """Go on behind them."""
        if size > self._end - self._next:
            raise truncated()
        self._next += size


def truncated() -> InvalidInputError:
    """The error of an archive that ends too early."""
    return InvalidInputError(
        "the archive ends in the middle of an entry",
        hint="it was cut short: fetch or save it again",
    )


def _no_header(offset: int) -> InvalidInputError:
    return InvalidInputError(
        f"no tar header at byte {offset}", hint="the archive is damaged, or no tar at all"
    )


class TarReader:
    """``next_entry`` until ``None``; between two of them ``copy_to`` or ``data`` may be called."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._taken = 0  # bytes of the archive before the buffer's current place
        self._left = 0  # of the current entry's data
        self._padding = 0
        self._globals: dict[str, bytes] = {}

    @property
    def offset(self) -> int:
        """Where in the archive the current entry's data begins, before any of it was read."""
        return self._taken

    @property
    def stored(self) -> int:
        """How many bytes of the current entry's data are still to come."""
        return self._left

    def next_entry(self) -> Entry | None:
        """The next entry; ``None`` at the end of the archive."""
        self._skip(self._left)
        self._left = 0
        if not self._skip_padding():
            return None
        extra: dict[str, bytes] = {}
        for _ in range(MAX_HEADERS):
            block = self._block()
            if block is None:
                return None
            fields = _HEADER.unpack(block)
            _check(block, fields[6], self._taken - BLOCK)
            kind = fields[7]
            if kind in (b"x", b"X"):
                extra.update(pax.parse(self._body(fields[4], pax.MAX_RECORDS)))
            elif kind == b"g":
                self._globals.update(pax.parse(self._body(fields[4], pax.MAX_RECORDS)))
            elif kind in (b"L", b"K"):
                name = self._body(fields[4], MAX_NAME + 1).split(b"\0", 1)[0]
                extra["path" if kind == b"L" else "linkpath"] = name
            elif kind == b"V":
                self._body(fields[4], CHUNK)
            else:
                return self._entry(fields, block, {**self._globals, **extra})
        raise InvalidInputError("the archive has too many headers before one entry")

    def copy_to(self, fd: int, segments: Segments | None) -> int:
        """Write the current entry's data to ``fd``; the number of bytes that were stored."""
        stored = self._left
        if segments is None:
            self._pour(fd, stored)
            return stored
        for offset, length in segments:
            os.lseek(fd, offset, os.SEEK_SET)
            self._pour(fd, length)
        return stored

    def drain(self) -> None:
        """Read the source to its end, so that whoever writes it can finish."""
        self._buffer, self._at = b"", 0
        while self._source.read(CHUNK):
            pass

    def _pour(self, fd: int, size: int) -> None:
        if size > self._left:
            raise InvalidInputError("a sparse file's map is longer than its data")
        for view in self._views(size):
            written = os.write(fd, view)
            while written < len(view):
                written += os.write(fd, view[written:])

    def _views(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes of data, in pieces that are valid until the next one."""
        self._left -= size
        while size:
            if self._at == len(self._buffer):
                self._fill()
            view = memoryview(self._buffer)[self._at : self._at + size]
            self._at += len(view)
            self._taken += len(view)
            size -= len(view)
            yield view

    def _fill(self) -> None:
        self._buffer, self._at = self._source.read(CHUNK), 0
        if not self._buffer:
            raise truncated()

    def _take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, which the caller has bounded."""
        start = self._at
        while len(self._buffer) - start < size:
            more = self._source.read(CHUNK)
            if not more:
                raise truncated()
            self._buffer, start = self._buffer[start:] + more, 0
        self._at = start + size
        self._taken += size
        return self._buffer[start : start + size]

    def _skip(self, size: int) -> None:
        buffered = min(size, len(self._buffer) - self._at)
        self._at += buffered
        self._taken += size
        if size > buffered:
            self._source.skip(size - buffered)

    def _skip_padding(self) -> bool:
        """Go to the next whole block; false where the archive stops right behind the data.

        The docker command ends a build's context like that when its Dockerfile lies elsewhere.
        """
        left, self._padding = self._padding, 0
        while left:
            if self._at == len(self._buffer):
                self._buffer, self._at = self._source.read(CHUNK), 0
                if not self._buffer:
                    return False
            step = min(left, len(self._buffer) - self._at)
            self._at += step
            self._taken += step
            left -= step
        return True

    def _block(self) -> bytes | None:
        """The next header block; ``None`` for the end mark, or where the archive just stops."""
        if self._at == len(self._buffer):
            self._buffer, self._at = self._source.read(CHUNK), 0
            if not self._buffer:
                return None
        try:
            block = self._take(BLOCK)
        except InvalidInputError:
            raise truncated() if self._taken else _no_header(0) from None
        return None if block == _NO_BLOCK else block

    def _body(self, size_field: bytes, limit: int) -> bytes:
        """The whole data of a header that describes the next one."""
        size = pax.field_number(size_field)
        if size > limit:
            raise InvalidInputError(f"the archive has a header of {size} bytes, over {limit}")
        return self._take(size + -size % BLOCK)[:size]

    def _entry(self, fields: tuple[bytes, ...], block: bytes, extra: dict[str, bytes]) -> Entry:
        kind = fields[7]
        name, link = _names(fields, extra)
        stored = pax.number(extra, "size", fields[4])
        if kind in _FILE_KINDS:
            sparse = kind == b"S"
            kind = DIRECTORY if kind == b"\0" and name.endswith(b"/") else FILE
        elif kind in _KINDS:
            sparse, stored = False, 0
        else:
            raise InvalidInputError(f"{show(name)}: unknown kind of tar entry {kind!r}")
        if stored < 0:
            raise InvalidInputError(f"{show(name)}: its size is negative")
        self._left, self._padding = stored, -stored % BLOCK
        size, segments = stored, None
        if sparse:
            size, segments = self._old_sparse(block)
        elif extra and (form := pax.sparse_form(extra)):
            size, segments = self._pax_sparse(form, extra)
        if segments is not None:
            check_segments(segments, size=size, stored=self._left)
        return Entry(
            name,
            kind,
            pax.field_number(fields[1]) & 0o7777,
            pax.number(extra, "uid", fields[2]),
            pax.number(extra, "gid", fields[3]),
            size,
            pax.mtime(extra, fields[5]),
            link,
            os.makedev(pax.field_number(fields[12]) & 0xFFF, pax.field_number(fields[13]) & 0xFFFFF)
            if kind in (CHAR, BLOCKDEV)
            else 0,
            pax.xattrs(extra) if extra else (),
            segments,
        )

    def _old_sparse(self, block: bytes) -> tuple[int, Segments]:
        """The map of GNU's own format: four in the header, 21 in each block that follows."""
        found = list(_segments(block[386:482]))
        more = block[482]
        while more:
            following = self._take(BLOCK)
            found += _segments(following[:504])
            if len(found) > MAX_SEGMENTS:
                raise InvalidInputError(f"a sparse file has more than {MAX_SEGMENTS} parts")
            more = following[504]
        return pax.field_number(block[483:495]), tuple(found)

    def _pax_sparse(self, form: str, extra: dict[str, bytes]) -> tuple[int, Segments]:
        if form != "1.0":
            return pax.sparse_map(extra)
        size = pax.number(extra, "GNU.sparse.realsize", b"")
        count, numbers = -1, list[int]()
        rest = b""
        while count < 0 or len(numbers) < 2 * count:
            if self._left < BLOCK:
                raise InvalidInputError("a sparse file's map is cut short")
            self._left -= BLOCK
            *lines, rest = (rest + self._take(BLOCK)).split(b"\n")
            values = [pax.whole(line) for line in lines if line.strip(b"\0")]
            if count < 0 and values:
                count = values.pop(0)
                if count > MAX_SEGMENTS:
                    raise InvalidInputError(f"a sparse file has more than {MAX_SEGMENTS} parts")
            numbers += values
        numbers = numbers[: 2 * count]
        return size, tuple(zip(numbers[::2], numbers[1::2], strict=True))


def show(name: bytes) -> str:
    """A name for messages: quoted, with what a terminal would act on escaped."""
    return repr(os.fsdecode(name))


def check_segments(segments: Segments, *, size: int, stored: int) -> None:
    """Refuse a sparse map that runs backwards, past the file's size or not with its data."""
    end = total = 0
    for offset, length in segments:
        if offset < end or length < 0:
            raise InvalidInputError("a sparse file's parts overlap")
        end, total = offset + length, total + length
    if end > size or total != stored:
        raise InvalidInputError("a sparse file's map does not fit its data")


def _check(block: bytes, field: bytes, offset: int) -> None:
    """Compare the header's sum; some old writers added the bytes up as signed ones."""
    try:
        wanted = pax.field_number(field)
    except InvalidInputError:
        wanted = -1
    plain = sum(block) - sum(field) + 8 * 0x20
    if plain == wanted:
        return
    signed = plain - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    if signed != wanted:
        raise _no_header(offset)


def _names(fields: tuple[bytes, ...], extra: dict[str, bytes]) -> tuple[bytes, bytes]:
    name = extra.get("GNU.sparse.name") or extra.get("path")
    if not name:
        name = fields[0].split(b"\0", 1)[0]
        if fields[9][:6] == b"ustar\0" and (prefix := fields[14].split(b"\0", 1)[0]):
            name = prefix + b"/" + name
    link = extra.get("linkpath") or fields[8].split(b"\0", 1)[0]
    if max(len(name), len(link)) > MAX_NAME or b"\0" in name or b"\0" in link:
        raise InvalidInputError(f"{show(name[:60])}…: the name is no valid path")
    return name, link


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    for offset, length in _SPARSE.iter_unpack(data):
        if not offset[0]:
            return
        yield pax.field_number(offset), pax.field_number(length)
