"""Plain bytes of a gzip, bzip2, xz or zstd stream, told by its first bytes, in bounded pieces.

What a media type says is not asked: Docker writes plain layers under gzip's name. That the
right bytes came out is what the layer's diff id proves.
"""

import bz2
import importlib.util
import lzma
import os
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from toolkit.core.errors import InvalidInputError, UnsupportedError

CHUNK = 256 * 1024
_PIECE = 1024 * 1024
_XZ_MEMORY = 1024**3
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Source(Protocol):
    """Where compressed bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end."""


def kind_of(start: bytes) -> str:
    """``gzip``, ``bzip2``, ``xz``, ``zstd``, or ``""`` for anything else."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")


def plain(source: Source) -> Iterator[bytes]:
    """The decompressed content of ``source``, which is read to its end."""
    start = source.read(CHUNK)
    while 0 < len(start) < 6 and (more := source.read(CHUNK)):
        start += more
    kind = kind_of(start)
    if kind == "gzip":
        return _gunzip(start, source)
    if kind == "bzip2":
        return _inflate(start, source, bz2.BZ2Decompressor, kind)
    if kind == "xz":
        return _inflate(start, source, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), kind)
    return _unzstd(start, source) if kind == "zstd" else _chunks(start, source)


def _chunks(start: bytes, source: Source) -> Iterator[bytes]:
    data = start
    while data:
        yield data
        data = source.read(CHUNK)


def _gunzip(start: bytes, source: Source) -> Iterator[bytes]:
    """All members of a gzip stream; zero bytes may follow the last."""
    data = start
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                piece = member.decompress(data, _PIECE)
            except zlib.error as error:
                raise _damaged("gzip", error) from None
            if piece:
                yield piece
            data = member.unconsumed_tail
            if not data and not member.eof and not (data := source.read(CHUNK)):
                raise _short("gzip")
        data = (member.unused_data or source.read(CHUNK)).lstrip(b"\0")
        while not data and (more := source.read(CHUNK)):
            data = more.lstrip(b"\0")


def _inflate(
    start: bytes, source: Source, decompressor: Callable[[], Any], kind: str
) -> Iterator[bytes]:
    data = start
    while data:
        stream = decompressor()
        while not stream.eof:
            if stream.needs_input and not data:
                raise _short(kind)
            try:
                piece = stream.decompress(data if stream.needs_input else b"", _PIECE)
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise _damaged(kind, error) from None
            data = source.read(CHUNK) if stream.needs_input and not stream.eof else b""
            if piece:
                yield piece
        data = stream.unused_data or source.read(CHUNK)


def _unzstd(start: bytes, source: Source) -> Iterator[bytes]:
    """By the ``zstd`` program or the ``zstandard`` package: Python has none before 3.14."""
    program = shutil.which("zstd")
    if program:
        return _through((program, "-dcq"), start, source)
    if importlib.util.find_spec("zstandard"):
        return _by_package(start, source)
    raise UnsupportedError(
        "the layer is compressed with zstd, which this machine cannot read",
        hint="install the package 'zstd'",
    )


def _by_package(start: bytes, source: Source) -> Iterator[bytes]:
    zstandard: Any = importlib.import_module("zstandard")
    pieces = zstandard.ZstdDecompressor().read_to_iter(_Joined(start, source), write_size=_PIECE)
    try:
        yield from pieces
    except zstandard.ZstdError as error:
        raise _damaged("zstd", error) from None


class _Joined:
    """What was read already, then the rest."""

    def __init__(self, start: bytes, source: Source) -> None:
        self._chunks = _chunks(start, source)

    def read(self, size: int = -1) -> bytes:
        """The next piece, whatever ``size`` says."""
        del size
        return next(self._chunks, b"")


def _through(argv: tuple[str, ...], start: bytes, source: Source) -> Iterator[bytes]:
    """What the program ``argv`` makes of the stream."""
    failed: list[BaseException] = []
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin and process.stdout  # noqa: PT018 - both were asked for
        feeder = threading.Thread(
            target=_feed, args=(process.stdin, _chunks(start, source), failed), daemon=True
        )
        feeder.start()
        try:
            while piece := os.read(process.stdout.fileno(), _PIECE):
                yield piece
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            feeder.join()
    if failed:
        raise failed[0]
    if process.returncode:
        raise InvalidInputError(f"the layer's {argv[0]} data is damaged")


def _feed(pipe: Any, chunks: Iterator[bytes], failed: list[BaseException]) -> None:
    try:
        with pipe:
            for chunk in chunks:
                pipe.write(chunk)
    except BrokenPipeError:
        pass  # the program has ended, and its exit status says how
    except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
        failed.append(error)


def _short(kind: str) -> InvalidInputError:
    return InvalidInputError(
        f"the {kind} data ends too early", hint="it was cut short: fetch or save it again"
    )


def _damaged(kind: str, error: BaseException) -> InvalidInputError:
    return InvalidInputError(f"the {kind} data is damaged: {error}")
