import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.images import device, directory, entry, hard_link, link, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.images import pax, tar
from toolkit.images.tar import Entry, FileSource, PipeSource, TarReader

HOUR = 3600 * 10**9


class Chunks:
    """Gives an archive in pieces of ``size`` bytes."""

    def __init__(self, data: bytes, size: int = 1 << 20) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._size))

    def skip(self, size: int, /) -> None:
        if len(self._file.read(size)) != size:
            raise tar.truncated()


def entries(data: bytes, size: int = 1 << 20) -> list[Entry]:
    reader = TarReader(Chunks(data, size))
    found = []
    while item := reader.next_entry():
        found.append(item)
    return found


def contents(data: bytes, folder: Path) -> dict[bytes, bytes]:
    reader = TarReader(Chunks(data))
    found: dict[bytes, bytes] = {}
    while item := reader.next_entry():
        path = folder / f"{len(found)}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        reader.copy_to(fd, item.segments)
        os.ftruncate(fd, item.size)
        os.close(fd)
        found[item.name] = path.read_bytes()
    return found


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("size", [1, 511, 513, 1 << 20])
def test_reads_every_kind_of_entry(form: int, size: int) -> None:
    data = tar_of(
        directory("d", mode=0o1777),
        (entry("d/f", mode=0o4755, uid=7, gid=8, mtime=3600), b"x" * 1000),
        link("l", "d/f"),
        hard_link("h", "d/f"),
        device("c", 1, 3),
        device("b", 8, 0x12345, tarfile.BLKTYPE),
        entry("p", tarfile.FIFOTYPE),
        form=form,
    )

    found = entries(data, size)

    assert [(item.name, item.kind) for item in found] == [
        (b"d/", tar.DIRECTORY) if found[0].name.endswith(b"/") else (b"d", tar.DIRECTORY),
        (b"d/f", tar.FILE),
        (b"l", tar.SYMLINK),
        (b"h", tar.HARDLINK),
        (b"c", tar.CHAR),
        (b"b", tar.BLOCKDEV),
        (b"p", tar.FIFO),
    ]
    assert found[0].mode == 0o1777
    file = found[1]
    assert (file.mode, file.uid, file.gid, file.size) == (0o4755, 7, 8, 1000)
    assert file.mtime_ns == HOUR
    assert found[2].link == found[3].link == b"d/f"
    assert found[4].device == os.makedev(1, 3)
    assert found[5].device == os.makedev(8, 0x12345)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_long_names_and_links(form: int) -> None:
    name, target = "/".join(["long"] * 200), "t" * 900
    data = tar_of(link(name, target), ("short", b""), form=form)

    first, second = entries(data)

    assert (first.name, first.link) == (name.encode(), target.encode())
    assert (second.name, second.link) == (b"short", b"")


def test_joins_the_prefix_of_ustar() -> None:
    name = "a" * 90 + "/" + "b" * 90

    (found,) = entries(tar_of((name, b""), form=tarfile.USTAR_FORMAT))

    assert found.name == name.encode()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_numbers_that_octal_digits_cannot_hold(form: int) -> None:
    (found,) = entries(tar_of(entry("f", uid=2**31, gid=2**32 - 2), form=form))

    assert (found.uid, found.gid) == (2**31, 2**32 - 2)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1.5", 1_500_000_000),
        ("12.123456789123", 12_123_456_789),
        ("-1.25", -1_250_000_000),
        ("-7", -7_000_000_000),
        ("99999999999999999999", (1 << 38) * 10**9),
    ],
)
def test_reads_times_to_the_nanosecond(text: str, wanted: int) -> None:
    (found,) = entries(tar_of(entry("f", pax_headers={"mtime": text})))

    assert found.mtime_ns == wanted


def test_reads_extended_attributes() -> None:
    headers = {
        "SCHILY.xattr.user.a": "b=c\n",
        "LIBARCHIVE.xattr.user.x%20y": "aGVsbG8",
    }

    (found,) = entries(tar_of(entry("f", pax_headers=headers)))

    assert dict(found.xattrs) == {"user.a": b"b=c\n", "user.x y": b"hello"}


def test_global_headers_hold_until_overridden() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"mtime": "3600"}
    ) as made:
        made.addfile(entry("a"))
        made.addfile(entry("b", pax_headers={"mtime": "1"}))

    first, second = entries(buffer.getvalue())

    assert (first.mtime_ns, second.mtime_ns) == (HOUR, 10**9)


def test_a_name_may_be_any_bytes() -> None:
    data = bytearray(tar_of(("x" * 3, b""), form=tarfile.USTAR_FORMAT))
    data[0:3] = b"\xff\n\x80"
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))

    (found,) = entries(bytes(data))

    assert found.name == b"\xff\n\x80"


def test_accepts_sums_of_signed_bytes() -> None:
    data = bytearray(tar_of(("x" * 3, b""), form=tarfile.USTAR_FORMAT))
    data[0:3] = b"\xff\xfe\x80"
    block = data[:148] + b" " * 8 + data[156:512]
    data[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in block)

    assert entries(bytes(data))[0].name == b"\xff\xfe\x80"


@pytest.mark.parametrize(
    "form",
    [
        "gnu",
        "posix --sparse-version=0.0",
        "posix --sparse-version=0.1",
        "posix --sparse-version=1.0",
    ],
)
def test_keeps_sparse_files(form: str, tmp_path: Path, require: Callable[[str], str]) -> None:
    wanted = tmp_path / "sparse"
    with open(wanted, "wb") as file:
        for number in range(30):
            file.seek(number * 1 << 20)
            file.write(b"%d" % number)
        file.truncate(64 << 20)
    kind, *options = form.split()
    data = subprocess.run(
        (require("tar"), "-cS", f"--format={kind}", *options, "-C", tmp_path, "sparse"),
        check=True,
        capture_output=True,
    ).stdout
    (tmp_path / "out").mkdir()

    found = entries(data)
    unpacked = contents(data, tmp_path / "out")

    assert [item.name for item in found] == [b"sparse"]
    assert found[0].size == 64 << 20
    assert unpacked[b"sparse"] == wanted.read_bytes()
    assert (tmp_path / "out/0").stat().st_blocks * 512 < 2 << 20


def test_follows_contents_of_several_files(tmp_path: Path) -> None:
    data = tar_of(("a", b"1" * 700_000), ("b", b""), ("c", b"2" * 512))

    assert contents(data, tmp_path) == {b"a": b"1" * 700_000, b"b": b"", b"c": b"2" * 512}


def test_skips_content_that_nobody_asked_for(tmp_path: Path) -> None:
    data = tar_of(("a", b"1" * 700_000), ("b", b"2"))
    path = tmp_path / "tar"
    path.write_bytes(data)
    with open(path, "rb") as file:
        reader = TarReader(FileSource(file.fileno(), offset=0, size=len(data)))
        assert reader.next_entry()
        found = reader.next_entry()

        assert found
        assert found.name == b"b"
        assert data[reader.offset : reader.offset + 1] == b"2"


def test_reads_from_a_pipe() -> None:
    data = tar_of(("a", b"1" * 5000), ("b", b"2"))
    receiver, sender = os.pipe()
    os.write(sender, data)
    os.close(sender)
    reader = TarReader(PipeSource(receiver))

    names = [item.name for item in iter(reader.next_entry, None)]
    reader.drain()
    os.close(receiver)

    assert names == [b"a", b"b"]


def test_an_archive_may_end_without_its_mark() -> None:
    data = tar_of(("a", b"1"))

    assert len(entries(data[:1024])) == 1


@pytest.mark.parametrize("cut", [600, 512 + 512 * 3, 512 * 5 + 1])
def test_says_when_it_is_cut_short(cut: int, tmp_path: Path) -> None:
    data = tar_of(("a", b"1" * 2000), ("b", b""))

    with pytest.raises(InvalidInputError, match="ends in the middle"):
        contents(data[:cut], tmp_path)


@pytest.mark.parametrize("data", [b"hello", b"x" * 512, b"\x7fELF" + b"\0" * 2000])
def test_says_what_is_no_tar(data: bytes) -> None:
    with pytest.raises(InvalidInputError, match="no tar header at byte 0"):
        entries(data)


def test_says_where_a_header_is_damaged() -> None:
    data = bytearray(tar_of(("a", b"1" * 512), ("b", b"")))
    data[1024 + 5] ^= 1

    with pytest.raises(InvalidInputError, match="no tar header at byte 1024"):
        entries(bytes(data))


def test_refuses_kinds_that_it_does_not_know() -> None:
    with pytest.raises(InvalidInputError, match="'x': unknown kind of tar entry b'M'"):
        entries(tar_of(entry("x", b"M")))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"size": "-1"}, "broken number"),
        ({"size": "1" * 21}, "broken number"),
        ({"uid": "root"}, "broken number"),
        ({"mtime": "noon"}, "broken time"),
        ({"path": "a" * 5000}, "no valid path"),
        ({"path": "a\0b"}, "no valid path"),
        ({"linkpath": "a\0b"}, "no valid path"),
        ({"GNU.sparse.name": "a\0b"}, "no valid path"),
        ({"SCHILY.xattr.user.a\0b": "1"}, "broken extended attribute"),
        ({"LIBARCHIVE.xattr.user.a": "a"}, "broken extended attribute"),
        ({"GNU.sparse.major": "2", "GNU.sparse.minor": "0"}, "unknown form '2.0'"),
        ({"GNU.sparse.map": "0,5,3,5", "GNU.sparse.size": "9"}, "parts overlap"),
        ({"GNU.sparse.map": "0,5", "GNU.sparse.size": "4"}, "does not fit"),
        ({"GNU.sparse.map": "0,9", "GNU.sparse.size": "9"}, "does not fit"),
        ({"GNU.sparse.map": "0,1,2", "GNU.sparse.size": "9"}, "cut short"),
        ({"GNU.sparse.size": "9", "GNU.sparse.offset": "1"}, "cut short"),
        ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, "map is cut short"),
    ],
)
def test_refuses_headers_that_lie(headers: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        entries(tar_of(entry("f", pax_headers=headers)))


def test_refuses_a_sparse_map_without_end() -> None:
    info = entry("f", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})

    with pytest.raises(InvalidInputError, match="more than 65536 parts"):
        entries(tar_of((info, b"99999999\n" + b"0" * 600)))


def test_refuses_headers_that_would_fill_memory() -> None:
    info = entry("x", b"x")
    info.size = 1 << 40
    data = info.tobuf(tarfile.GNU_FORMAT)

    with pytest.raises(InvalidInputError, match="header of 1099511627776 bytes"):
        entries(data)


def test_refuses_headers_without_end() -> None:
    one = tar_of(entry("f", pax_headers={"comment": "x"}))[:1024]

    with pytest.raises(InvalidInputError, match="too many headers"):
        entries(one * 100)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"x",
        b"5 a=b",
        b"0 a=b\n",
        b"9 a=b\n",
        b"6 a=b\n6 a",
        b"6 a=b\n" + bytes(25),
        b"5 ab\n",
        b"3 \n",
    ],
)
def test_refuses_broken_records(record: bytes) -> None:
    if not record:
        assert pax.parse(record) == {}
        return
    with pytest.raises(InvalidInputError, match=r"the archive has a broken"):
        pax.parse(record)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"\0" * 8, 0),
        (b"644\0abc\0", 0o644),
        (b" 7 \0 7\0", 7),
        (b"\x80" + b"\0" * 6 + b"\x05", 5),
        (b"\xff" * 8, -1),
    ],
)
def test_reads_the_numbers_of_headers(field: bytes, wanted: int) -> None:
    assert pax.field_number(field) == wanted


@pytest.mark.parametrize("size", [1, 513, 1 << 20])
def test_the_last_padding_may_be_left_out(size: int, tmp_path: Path) -> None:
    """As the docker command does with a Dockerfile that lies beside the context."""
    data = tar_of((entry("a"), b"x" * 600), (entry("b"), b"y" * 53))
    whole = data[: 512 + 1024 + 512 + 53]
    assert [item.name for item in entries(whole, size)] == [b"a", b"b"]
    assert contents(whole, tmp_path) == {b"a": b"x" * 600, b"b": b"y" * 53}
    with pytest.raises(InvalidInputError, match="in the middle of an entry"):
        entries(whole[:-1], size)
