import bz2
import gzip
import io
import lzma
import subprocess
import zlib
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.images import compress

DATA = b"".join(b"%d" % number for number in range(300_000))


class Slow:
    """Gives its bytes one by one, then in pieces."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._count = 0

    def read(self, size: int, /) -> bytes:
        self._count += 1
        return self._file.read(1 if self._count < 50 else size)


def plain(data: bytes) -> bytes:
    return b"".join(compress.plain(io.BytesIO(data)))


def zstd(program: str, data: bytes) -> bytes:
    return subprocess.run((program, "-qc"), input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("data", [b"", b"x", DATA, b"\0" * 5_000_000])
def test_gives_what_was_packed(pack: Callable[[bytes], bytes], data: bytes) -> None:
    assert plain(pack(data)) == data


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_takes_input_in_any_pieces(pack: Callable[[bytes], bytes]) -> None:
    assert b"".join(compress.plain(Slow(pack(DATA)))) == DATA


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_reads_all_members(pack: Callable[[bytes], bytes]) -> None:
    assert plain(pack(b"one") + pack(b"") + pack(b"two")) == b"onetwo"


def test_zeros_may_follow_gzip_data() -> None:
    assert plain(gzip.compress(b"x") + bytes(100_000)) == b"x"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("left", [12, 100, -5])
def test_says_when_data_is_cut_short(pack: Callable[[bytes], bytes], left: int) -> None:
    with pytest.raises(InvalidInputError, match="ends too early"):
        plain(pack(DATA)[:left])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_says_when_data_is_damaged(pack: Callable[[bytes], bytes]) -> None:
    data = bytearray(pack(DATA))
    data[len(data) // 2] ^= 0xFF

    with pytest.raises(InvalidInputError, match=r"data is damaged|ends too early"):
        plain(bytes(data))


def test_says_when_something_else_follows() -> None:
    with pytest.raises(InvalidInputError, match="gzip data is damaged"):
        plain(gzip.compress(b"x") + b"something else")


def test_gives_bombs_in_small_pieces() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()

    sizes = [len(piece) for piece in compress.plain(io.BytesIO(bomb))]

    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20


def test_reads_zstd_through_its_program(require: Callable[[str], str]) -> None:
    program = require("zstd")

    assert plain(zstd(program, DATA)) == DATA
    assert plain(zstd(program, DATA) + zstd(program, b"more")) == DATA + b"more"


def test_says_when_zstd_data_is_damaged(require: Callable[[str], str]) -> None:
    data = bytearray(zstd(require("zstd"), DATA))
    data[len(data) // 2 :] = b""

    with pytest.raises(InvalidInputError, match="zstd data is damaged"):
        plain(bytes(data))


def test_passes_on_what_the_source_of_zstd_data_finds(require: Callable[[str], str]) -> None:
    data = zstd(require("zstd"), DATA)

    class Lying:
        def __init__(self) -> None:
            self.pieces = [data[:1000], data[1000:]]

        def read(self, size: int, /) -> bytes:
            if not self.pieces:
                raise InvalidInputError("wrong digest")
            return self.pieces.pop(0)

    with pytest.raises(InvalidInputError, match="wrong digest"):
        list(compress.plain(Lying()))


def test_ends_the_program_when_nobody_wants_more(require: Callable[[str], str]) -> None:
    pieces = compress.plain(io.BytesIO(zstd(require("zstd"), bytes(64 << 20))))
    next(pieces)

    assert isinstance(pieces, Generator)
    pieces.close()


def test_says_what_zstd_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Callable[[str], str]
) -> None:
    data = zstd(require("zstd"), DATA)
    monkeypatch.setenv("PATH", str(tmp_path))
    if find_spec("zstandard"):
        assert plain(data) == DATA
        return

    with pytest.raises(UnsupportedError, match="zstd") as caught:
        plain(data)
    assert caught.value.hint == "install the package 'zstd'"
