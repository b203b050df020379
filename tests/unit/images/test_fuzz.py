"""Damaged archives end in an error that names the fault, or unpack; nothing else ever happens."""

import os
import random
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from support.images import directory, entry, hard_link, link, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.core.files import remove_tree
from toolkit.images.extract import Extractor
from toolkit.images.limits import USER_POLICY, Limits
from toolkit.images.tar import FileSource, TarReader

PAX = {"SCHILY.xattr.user.a": "1", "mtime": "1.5", "GNU.sparse.map": "0,1", "GNU.sparse.size": "1"}
FIELDS = ((0, 100), (100, 8), (108, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155))


def honest(form: int) -> bytearray:
    last = () if form == tarfile.USTAR_FORMAT else ((entry("x", pax_headers=PAX), b"1"),)
    return bytearray(
        tar_of(
            directory("a"),
            ("a/f", b"x" * 700),
            link("l", "a"),
            ("l/y", b"q"),
            hard_link("h", "a/f"),
            ("a/.wh.b", b""),
            ("z/.wh..wh..opq", b""),
            *last,
            form=form,
        )
    )


def damage(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randrange(1, 5)):
        block = dice.randrange(len(data) // 512) * 512
        start, length = dice.choice(FIELDS)
        length = dice.randrange(1, length + 1)
        match dice.randrange(3):
            case 0:
                data[block + dice.randrange(512)] = dice.randrange(256)
            case 1:
                data[block : block + 512] = data[:512]
            case 2:
                junk = bytes(dice.choice(b"0127./a\0\xff\x80SLKxg35") for _ in range(length))
                data[block + start : block + start + length] = junk
    for block in range(0, len(data), 512):  # most damage shall come past the header's sum
        if data[block + 257 : block + 262] == b"ustar" and dice.random() < 0.95:
            data[block + 148 : block + 156] = b" " * 8
            data[block + 148 : block + 156] = b"%06o\0 " % sum(data[block : block + 512])


@pytest.mark.parametrize("seed", range(300))
def test_damaged_archives_do_no_harm(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    data = honest(dice.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
    damage(data, dice)
    (tmp_path / "tar").write_bytes(data)
    (tmp_path / "root").mkdir()
    fds = [os.open(tmp_path / name, os.O_RDONLY) for name in ("tar", "root")]
    extractor = Extractor(fds[1], lowers=tuple, policy=USER_POLICY, limits=Limits(bytes=1 << 20))
    reader = TarReader(FileSource(fds[0], offset=0, size=len(data)))

    with suppress(InvalidInputError, OSError):
        extractor.run(reader)

    for fd in fds:
        os.close(fd)
    assert sorted(os.listdir(tmp_path)) == ["root", "tar"]
    remove_tree(tmp_path / "root")
