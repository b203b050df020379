"""``file``: a path is a directory, a link, absent, or has these owners and this mode."""

import posixpath
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.facts.machine import Stat
from toolkit.tasks import modes, paths
from toolkit.tasks.changes import Change
from toolkit.tasks.file_changes import Content, MakeHardLink, MakeLink, SetTimes, WriteFile
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.paths import Ownership
from toolkit.tasks.registry import Plan, task


class State(StrEnum):
    """What ``path`` should be."""

    ABSENT = "absent"
    DIRECTORY = "directory"
    FILE = "file"
    HARD = "hard"
    LINK = "link"
    TOUCH = "touch"


@task("file")
@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """Hold the kind, owners and mode of one path; Ansible's ``file``.

    ``state`` is by default what is there, so a missing path is an error. ``recurse`` gives
    owners and mode to everything below a directory. With ``follow``, a link at ``path`` stands
    for what it leads to.
    """

    aliases: ClassVar[Mapping[str, str]] = {"dest": "path", "name": "path"}

    path: str
    state: State | None = None
    src: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    recurse: bool = False
    force: bool = False
    follow: bool = True
    access_time: str | None = None
    modification_time: str | None = None

    def __post_init__(self) -> None:
        if self.recurse and self.state not in (None, State.DIRECTORY):
            raise InvalidInputError("recurse needs state 'directory'")
        if self.state is State.HARD and not self.src:
            raise InvalidInputError("state 'hard' needs src, the file to link to")
        if self.src and self.state not in (None, State.LINK, State.HARD):
            raise InvalidInputError(f"src makes no sense with state '{self.state}'")
        for name in ("access_time", "modification_time"):
            if getattr(self, name) not in (None, "now", "preserve"):
                raise InvalidInputError(f"{name} is 'now' or 'preserve'")

    def plan(self, host: Host) -> Plan:
        """Compare what is there with what should be."""
        path = paths.absolute(host, self.path)
        found = host.files.stat(path, follow=False)
        state = self.state or self._present(found)
        if state is State.HARD and _is_directory(host, path):
            path = posixpath.join(path, posixpath.basename(str(self.src)))
        yield from _PLANS[state](self, host, path)
        if state in (State.FILE, State.DIRECTORY):
            path = self._target(host, path)
        name = "dest" if state in (State.LINK, State.HARD, State.TOUCH) else "path"
        values = {name: path, **paths.told(host, path)}
        return values | ({"src": self.src} if self.src else {})

    def _present(self, found: Stat | None) -> State:
        if self.recurse:
            return State.DIRECTORY
        if self.src:
            return State.LINK
        kinds = {"directory": State.DIRECTORY, "link": State.LINK}
        return kinds.get(found.kind, State.FILE) if found else State.FILE

    def _ownership(self) -> Ownership:
        return Ownership(owner=self.owner, group=self.group, mode=self.mode)

    def _target(self, host: Host, path: str) -> str:
        return paths.resolve(host, path) if self.follow else path


def _plan_absent(task: File, host: Host, path: str) -> Iterator[Change]:
    yield from paths.remove(host, path)


def _plan_file(task: File, host: Host, path: str) -> Iterator[Change]:
    path = task._target(host, path)
    found = host.files.stat(path, follow=False)
    if found is None:
        if host.may_appear(path):
            return
        raise NotFoundError(
            f"'{path}' does not exist", hint="'state: touch' or the task 'copy' makes a file"
        )
    if found.kind in ("directory", "link"):
        raise ConflictError(f"'{path}' is a {found.kind}, not a file")
    yield from task._ownership().set(host, path)


def _plan_directory(task: File, host: Host, path: str) -> Iterator[Change]:
    path = task._target(host, path)
    ownership = task._ownership()
    found = host.files.stat(path, follow=False)
    if found is None:
        yield from paths.make_directories(host, path, ownership)
    elif found.kind != "directory":
        raise ConflictError(f"'{path}' is a {found.kind}, not a directory")
    else:
        yield from ownership.set(host, path)
    if task.recurse:
        yield from _below(task, host, path, {path})


def _below(task: File, host: Host, path: str, seen: set[str]) -> Iterator[Change]:
    """Everything in a directory; with ``follow``, what links in it lead to as well."""
    for name in host.files.listdir(path):
        here = posixpath.join(path, name)
        found = host.files.stat(here, follow=False)
        yield from task._ownership().set(host, here)
        if found and found.kind == "link" and task.follow and host.files.stat(here):
            here = paths.resolve(host, here)
            found = host.files.stat(here, follow=False)
            yield from task._ownership().set(host, here)
        if found and found.kind == "directory" and here not in seen:
            seen.add(here)
            yield from _below(task, host, here, seen)


def _plan_touch(task: File, host: Host, path: str) -> Iterator[Change]:
    path = task._target(host, path)
    paths.need_parent(host, path)
    found = host.files.stat(path, follow=False)
    if found is None:
        new = task._ownership().wanted(host, Attributes(mode=modes.NEW_FILE))
        yield WriteFile(path=path, new=Content(data=b"", attributes=new))
        return
    if (task.access_time, task.modification_time) != ("preserve", "preserve"):
        yield SetTimes(path=path, new=time.time(), old=found.mtime)
    yield from task._ownership().set(host, path)


def _plan_link(task: File, host: Host, path: str) -> Iterator[Change]:
    found = host.files.stat(path, follow=False)
    if task.src is not None:
        yield from _turn(task, host, path, found)
    elif found is None or found.kind != "link":
        raise InvalidInputError("state 'link' needs src, where the link leads to")
    target = task._target(host, path)
    yield from task._ownership().set(host, target)


def _turn(task: File, host: Host, path: str, found: Stat | None) -> Iterator[Change]:
    """Make the link, or turn it to ``src``."""
    src = str(task.src)
    old = host.files.readlink(path) if found and found.kind == "link" else None
    if old == src:
        return
    if not task.force and host.files.stat(posixpath.join(posixpath.dirname(path), src)) is None:
        raise NotFoundError(
            f"'{src}' does not exist", hint="'force: true' links to it all the same"
        )
    paths.need_parent(host, path)
    if found and found.kind != "link":
        yield from _make_way(task, host, path, found)
    yield MakeLink(path=path, target=src, old=old)


def _make_way(task: File, host: Host, path: str, found: Stat) -> Iterator[Change]:
    if not task.force:
        raise ConflictError(
            f"'{path}' is a {found.kind}, not a link", hint="'force: true' replaces it"
        )
    if found.kind == "directory" and host.files.listdir(path):
        raise ConflictError(f"the directory '{path}' is not empty, so no link replaces it")
    yield from paths.remove(host, path)


def _plan_hard(task: File, host: Host, path: str) -> Iterator[Change]:
    src = paths.absolute(host, str(task.src))
    source = host.files.stat(src)
    if source is None or source.kind != "file":
        raise NotFoundError(f"there is no file '{src}' to link to")
    paths.need_parent(host, path)
    found = host.files.stat(path, follow=False)
    if found and _same_file(found, source):
        yield from task._ownership().set(host, path)
        return
    if found and found.kind != "file":
        yield from _make_way(task, host, path, found)
    elif found and not task.force:
        raise ConflictError(f"'{path}' is another file", hint="'force: true' replaces it")
    old = paths.content_of(host, path, found) if found and found.kind == "file" else None
    yield MakeHardLink(path=path, target=src, old=old)
    yield from task._ownership().set(host, path)


def _is_directory(host: Host, path: str) -> bool:
    found = host.files.stat(path)
    return found is not None and found.kind == "directory"


def _same_file(one: Stat, other: Stat) -> bool:
    return one.inode != (0, 0) and one.inode == other.inode


_PLANS: dict[State, Any] = {
    State.ABSENT: _plan_absent,
    State.DIRECTORY: _plan_directory,
    State.FILE: _plan_file,
    State.HARD: _plan_hard,
    State.LINK: _plan_link,
    State.TOUCH: _plan_touch,
}
