"""What an archive holds, in one form for tar and zip; every path is judged before it is used."""

import io
import posixpath
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One entry: ``kind`` is ``file``, ``directory``, ``link`` or ``hard``.

    ``target`` is where a link leads; that of a ``hard`` one is a member's path.
    """

    path: str
    kind: str
    mode: int
    owner: str = ""
    group: str = ""
    uid: int | None = None
    gid: int | None = None
    mtime: float = 0.0
    data: bytes = b""
    target: str = ""


def members(name: str, content: bytes) -> Iterator[Member]:
    """The entries in their order; ``InvalidInputError`` for what is no archive or would escape."""
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            yield from _of_zip(content)
        else:
            yield from _of_tar(content)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise InvalidInputError(
            f"'{name}' is no archive that can be read: {error}",
            hint="tar (plain, gz, bz2, xz) and zip are",
        ) from None


def handler(content: bytes) -> str:
    """What Ansible calls the part of it that unpacks such an archive."""
    known = {b"PK": "ZipArchive", b"\x1f\x8b": "TgzArchive", b"BZh": "TarBzipArchive"}
    known[b"\xfd7zXZ"] = "TarXzArchive"
    return next((name for head, name in known.items() if content.startswith(head)), "TarArchive")


def _of_tar(content: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for entry in archive:
            kind = _kind(entry)
            file = archive.extractfile(entry) if kind == "file" else None
            yield Member(
                path=inside(entry.name),
                kind=kind,
                mode=entry.mode & 0o7777,
                owner=entry.uname,
                group=entry.gname,
                uid=entry.uid,
                gid=entry.gid,
                mtime=float(entry.mtime),
                data=file.read() if file else b"",
                target=inside(entry.linkname) if kind == "hard" else entry.linkname,
            )


def _kind(entry: tarfile.TarInfo) -> str:
    if entry.isreg():
        return "file"
    if entry.isdir():
        return "directory"
    if entry.issym():
        return "link"
    if entry.islnk():
        return "hard"
    raise InvalidInputError(f"'{entry.name}' in the archive is a device or a pipe")


def _of_zip(content: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            bits = entry.external_attr >> 16
            link = stat.S_ISLNK(bits)
            data = b"" if entry.is_dir() else archive.read(entry)
            usual = 0o755 if entry.is_dir() else 0o644
            yield Member(
                path=inside(entry.filename),
                kind="directory" if entry.is_dir() else "link" if link else "file",
                mode=stat.S_IMODE(bits) or usual,
                mtime=time.mktime((*entry.date_time, 0, 0, -1)),
                data=b"" if link else data,
                target=data.decode() if link else "",
            )


def inside(name: str) -> str:
    """The path below the destination; one that would leave it is refused."""
    path = posixpath.normpath(name)
    if name.startswith("/") or path.split("/", 1)[0] == "..":
        raise InvalidInputError(f"'{name}' in the archive would lie outside of its folder")
    return path
