"""Headers that this and other readers understand, names and numbers of any size."""

import io
import tarfile

import pytest

from toolkit.images import tar
from toolkit.images.tar import Entry, TarReader
from toolkit.images.tarwriter import END, header, padding


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._file.read(size)

    def skip(self, size: int, /) -> None:
        self._file.seek(size, 1)


def _entry(name: bytes, kind: bytes = tar.FILE, **more: object) -> Entry:
    plain = Entry(name, kind, 0o644, 0, 0, 0, 0, b"", 0, (), None)
    return plain._replace(**more)  # type: ignore[arg-type] # the fields of an entry


ENTRIES = [
    _entry(b"f"),
    _entry(b"dir", tar.DIRECTORY, mode=0o1777),
    _entry(b"x" * 100),
    _entry(b"d" * 90 + b"/" + b"f" * 90),
    _entry(b"d" * 160 + b"/f"),
    _entry(b"x" * 1000),
    _entry("grün/ß".encode()),
    _entry(b"not utf-8 \xff\xfe"),
    _entry(b"link", tar.SYMLINK, link=b"target"),
    _entry(b"link", tar.SYMLINK, link=b"t" * 500),
    _entry(b"hard", tar.HARDLINK, link="ü".encode()),
    _entry(b"null", tar.CHAR, device=(1 << 8) | 3),
    _entry(b"fifo", tar.FIFO),
    _entry(b"owned", uid=0o7777777, gid=0o10000000),
    _entry(b"owned", uid=4_294_967_290, gid=1),
    _entry(b"now", mtime_ns=1_700_000_000_000_000_000),
    _entry(b"fine", mtime_ns=1_700_000_000_123_456_789),
    _entry(b"old", mtime_ns=-1_500_000_000),
    _entry(b"far", mtime_ns=9_000_000_000 * 10**9),
    _entry(b"attributes", xattrs=(("security.capability", b"\x01\0\x02"), ("user.a", b"b\nc"))),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name[:12].decode("latin-1"))
def test_what_is_written_is_read_back(entry: Entry) -> None:
    found = TarReader(_Bytes(header(entry) + END)).next_entry()
    assert found is not None
    assert found._replace(name=found.name.rstrip(b"/")) == entry


def test_the_standard_library_reads_it_too() -> None:
    data = b"".join(header(entry) for entry in ENTRIES) + END
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    names = [entry.name.decode("utf-8", "surrogateescape") for entry in ENTRIES]
    assert [member.name for member in members] == names
    assert members[13].gid == 0o10000000
    assert members[16].mtime == pytest.approx(1_700_000_000.123, abs=0.001)


def test_data_is_padded_to_blocks() -> None:
    entry = _entry(b"f", size=3)
    data = header(entry) + b"abc" + padding(3) + header(_entry(b"g")) + END
    reader = TarReader(_Bytes(data))
    first, second = reader.next_entry(), reader.next_entry()
    assert first is not None
    assert second is not None
    assert (first.size, second.name) == (3, b"g")
    assert padding(512) == b""


def test_a_huge_size_is_told() -> None:
    found = TarReader(_Bytes(header(_entry(b"f", size=1 << 40)))).next_entry()
    assert found is not None
    assert found.size == 1 << 40
