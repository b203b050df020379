"""What ``file``, ``copy`` and ``template`` share: where a path leads, who owns it, what to tell."""

import posixpath
from collections.abc import Iterator
from typing import Any

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError
from toolkit.facts import users
from toolkit.facts.machine import Machine, Stat
from toolkit.tasks import modes
from toolkit.tasks.changes import Change
from toolkit.tasks.file_changes import (
    Content,
    MakeDirectory,
    RemoveDirectory,
    RemoveFile,
    RemoveLink,
    SetAttributes,
    WriteFile,
)
from toolkit.tasks.host import Attributes, Host

MAX_LINKS = 40  # as many as the kernel follows, path_resolution(7)
KEPT_SIZE = 16 * 1024 * 1024
"""A file of at most so many bytes is kept in the journal when it goes; a larger one is gone."""


def absolute(machine: Machine, path: str) -> str:
    """``path`` with ``~`` expanded, without a slash at its end; it must be absolute."""
    if path.startswith("~"):
        user, slash, rest = path[1:].partition("/")
        path = f"{users.home(machine, user or 'root')}{slash}{rest}"
    if not path.startswith("/"):
        raise InvalidInputError(f"'{path}' is no absolute path", hint="begin it with '/' or '~'")
    return path.rstrip("/") or "/"


def resolve(machine: Machine, path: str) -> str:
    """Where ``path`` leads when it is a symbolic link, and the links after it."""
    for _ in range(MAX_LINKS):
        found = machine.files.stat(path, follow=False)
        if found is None or found.kind != "link":
            return path
        target = machine.files.readlink(path)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    raise ConflictError(f"'{path}' is a link that leads to itself")


def attributes_of(found: Stat) -> Attributes:
    """The attributes of what lies there."""
    return Attributes(mode=found.mode, uid=found.uid, gid=found.gid)


def content_of(machine: Machine, path: str, found: Stat) -> Content:
    """The file that lies there, whole."""
    return Content(data=machine.files.read(path), attributes=attributes_of(found))


def text_of(machine: Machine, path: str) -> str:
    """A text file's content, ``""`` where there is none; ``as_bytes`` gives its bytes again."""
    try:
        return machine.files.read(path).decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def as_bytes(text: str) -> bytes:
    """The bytes of what ``text_of`` read, whatever its encoding was."""
    return text.encode(errors="surrogateescape")


class Ownership:
    """The ``owner``, ``group`` and ``mode`` that a task was given, each ``None`` if it was not."""

    def __init__(self, *, owner: str | None, group: str | None, mode: str | None) -> None:
        self.owner = owner
        self.group = group
        self.mode = mode

    def wanted(self, host: Host, now: Attributes, *, directory: bool = False) -> Attributes:
        """The attributes of a path that has those of ``now``."""
        return Attributes(
            mode=modes.parse(self.mode, now=now.mode, directory=directory)
            if self.mode is not None
            else now.mode,
            uid=now.uid if self.owner is None else users.user_id(host, self.owner),
            gid=now.gid if self.group is None else users.group_id(host, self.group),
        )

    def set(self, host: Host, path: str) -> Iterator[Change]:
        """What it takes to give them to ``path``, which exists; a link itself keeps its mode."""
        found = host.files.stat(path, follow=False)
        if found is None:
            return
        old = attributes_of(found)
        new = self.wanted(host, old, directory=found.kind == "directory")
        if found.kind == "link":
            new = Attributes(mode=old.mode, uid=new.uid, gid=new.gid)
        if new != old:
            yield SetAttributes(path=path, new=new, old=old)


KEEP = Ownership(owner=None, group=None, mode=None)
"""What is there keeps its owners and mode; what is new has the usual ones."""


def write(host: Host, path: str, data: bytes, ownership: Ownership) -> Iterator[Change]:
    """What it takes to make ``path`` a file of this content and these attributes.

    One change even where both differ, so that no reader sees the new content with the old mode.
    """
    found = host.files.stat(path, follow=False)
    if found is None:
        new = ownership.wanted(host, Attributes(mode=modes.NEW_FILE))
        yield WriteFile(path=path, new=Content(data=data, attributes=new))
        return
    if found.kind != "file":
        raise ConflictError(f"'{path}' is a {found.kind}, not a file")
    old = content_of(host, path, found)
    if old.data == data:
        yield from ownership.set(host, path)
        return
    new = ownership.wanted(host, old.attributes)
    kept = old if len(old.data) <= KEPT_SIZE else old.brief()
    yield WriteFile(path=path, new=Content(data=data, attributes=new), old=kept)


def make_directories(host: Host, path: str, ownership: Ownership) -> Iterator[Change]:
    """What it takes to make ``path`` and all above it directories; only new ones get attributes."""
    missing: list[str] = []
    here = path
    while host.files.stat(here) is None:
        if host.files.stat(here, follow=False) is not None:
            raise ConflictError(f"'{here}' is a link that leads nowhere")
        missing.append(here)
        here = posixpath.dirname(here)
    found = host.files.stat(here)
    if found is None or found.kind != "directory":
        raise ConflictError(f"'{here}' is no directory")
    wanted = ownership.wanted(host, Attributes(mode=modes.NEW_DIRECTORY), directory=True)
    for each in reversed(missing):
        yield MakeDirectory(path=each, attributes=wanted)


def remove(host: Host, path: str) -> Iterator[Change]:
    """What it takes to remove ``path``, with everything below a directory, deepest first."""
    found = host.files.stat(path, follow=False)
    if found is None:
        return
    if found.kind == "directory":
        for name in host.files.listdir(path):
            yield from remove(host, posixpath.join(path, name))
        yield RemoveDirectory(path=path, attributes=attributes_of(found))
    elif found.kind == "link":
        yield RemoveLink(path=path, target=host.files.readlink(path))
    elif found.kind == "file" and found.size <= KEPT_SIZE:
        yield RemoveFile(path=path, old=content_of(host, path, found))
    else:
        yield RemoveFile(path=path)


def need_parent(host: Host, path: str) -> None:
    """Refuse a path whose directory does not exist."""
    parent = posixpath.dirname(path)
    found = host.files.stat(parent)
    if found is None and not host.may_appear(parent):
        raise NotFoundError(
            f"the directory '{parent}' does not exist",
            hint=f"make it first: file: path={parent} state=directory",
        )
    if found is not None and found.kind != "directory":
        raise ToolkitError(f"'{parent}' is a {found.kind}, not a directory")


def told(host: Host, path: str) -> dict[str, Any]:
    """What Ansible's file modules return about a path; nothing about a link to nowhere."""
    found = host.files.stat(path, follow=False)
    if found is None:
        return {"state": "absent"}
    if host.files.stat(path) is None:
        return {}
    return {
        "uid": found.uid,
        "gid": found.gid,
        "owner": users.user_name(host, found.uid),
        "group": users.group_name(host, found.gid),
        "mode": f"{found.mode:04o}",
        "state": "hard" if found.kind == "file" and found.links > 1 else found.kind,
        "size": found.size,
    }
