"""``unarchive``: a folder holds what an archive holds."""

import fnmatch
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from toolkit.facts import users
from toolkit.tasks import commanding, paths
from toolkit.tasks.archives import Member, handler, members
from toolkit.tasks.changes import Change
from toolkit.tasks.copy import DIGEST
from toolkit.tasks.file_changes import MakeDirectory, MakeHardLink, MakeLink
from toolkit.tasks.host import Attributes, Host, HttpRequest
from toolkit.tasks.registry import Plan, task

_GOOD = 200


@task("unarchive")
@dataclass(frozen=True, kw_only=True, slots=True)
class Unarchive:
    """Unpack a tar or zip archive where it is not unpacked yet; Ansible's ``unarchive``.

    ``src`` came with the play, or with ``remote_src`` is a path of the host or an address.
    ``include`` and ``exclude`` are shell patterns of members. Owners are those of the archive
    (for root) unless ``owner`` and ``group`` are given. A member that would leave ``dest``, by its
    name or through a link, is refused, and so is the whole archive.
    """

    src: str
    dest: str
    remote_src: bool = False
    creates: str | None = None
    list_files: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    keep_newer: bool = False
    validate_certs: bool = True
    owner: str | None = None
    group: str | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        if self.include and self.exclude:
            raise InvalidInputError("include and exclude exclude each other")

    def plan(self, host: Host) -> Plan:
        """Compare what is there with each member."""
        dest = paths.absolute(host, self.dest)
        found = host.files.stat(dest)
        if found is None or found.kind != "directory":
            raise NotFoundError(f"the folder '{dest}' does not exist", hint="make it first")
        reason = commanding.unneeded(host, creates=self.creates, removes=None)
        if reason:
            return {"dest": dest, "msg": f"skipped, since {reason}", "skipped": True}
        name, content = self._source(host)
        wanted = [each for each in members(name, content) if self._takes(each.path)]
        for member in wanted:
            yield from self._place(host, dest, member)
        values: dict[str, Any] = {"src": self.src, "dest": dest, "handler": handler(content)}
        if self.list_files:
            values["files"] = [f"{each.path}{'/' * (each.kind == 'directory')}" for each in wanted]
        return values | paths.told(host, dest)

    def _source(self, host: Host) -> tuple[str, bytes]:
        if self.src.startswith(DIGEST):
            digest, _, name = self.src.partition("#")
            return name, host.artifact(digest)
        if not self.remote_src:
            raise NotFoundError(f"the archive '{self.src}' did not come with the play")
        if "://" in self.src:
            answer = host.request(HttpRequest(url=self.src, verify=self.validate_certs))
            if answer is None or answer.status != _GOOD:
                raise UnavailableError(f"'{self.src}' answers {answer and answer.status}")
            return self.src, answer.body
        path = paths.absolute(host, self.src)
        if host.files.stat(path) is None:
            raise NotFoundError(f"there is no archive '{path}' on this host")
        return path, host.files.read(path)

    def _takes(self, path: str) -> bool:
        if path == ".":
            return False
        if self.include:
            return any(fnmatch.fnmatchcase(path, each) for each in self.include)
        return not any(_within(path, each) for each in self.exclude)

    def _place(self, host: Host, dest: str, member: Member) -> Iterator[Change]:
        path = posixpath.join(dest, member.path)
        yield from self._parents(host, dest, posixpath.dirname(member.path))
        found = host.files.stat(path, follow=False)
        if self.keep_newer and found and found.mtime > member.mtime:
            return
        owners = self._owners(host, member)
        if member.kind == "directory":
            if found is None:
                mode = Attributes(mode=member.mode)
                yield MakeDirectory(path=path, attributes=owners.wanted(host, mode, directory=True))
            elif found.kind != "directory":
                raise ConflictError(f"'{path}' is a {found.kind}, not a directory")
        elif member.kind == "link":
            yield from _link(host, path, member.target)
        elif member.kind == "hard":
            yield from self._hard(host, dest, path, member)
        else:
            if found and found.kind == "link":  # never written through, whatever put it there
                yield from paths.remove(host, path)
            yield from paths.write(host, path, member.data, owners)

    def _hard(self, host: Host, dest: str, path: str, member: Member) -> Iterator[Change]:
        target = posixpath.join(dest, member.target)
        source = host.files.stat(target, follow=False)
        if source is None or source.kind != "file":
            raise InvalidInputError(f"'{member.path}' is a link to '{member.target}', no file")
        found = host.files.stat(path, follow=False)
        if found is None or found.inode != source.inode:
            yield MakeHardLink(path=path, target=target)

    def _parents(self, host: Host, dest: str, folder: str) -> Iterator[Change]:
        """The folders on the way, none of them a link that an earlier member made."""
        here = dest
        for part in filter(None, folder.split("/")):
            here = posixpath.join(here, part)
            found = host.files.stat(here, follow=False)
            if found is None:
                yield MakeDirectory(path=here, attributes=Attributes(mode=0o755))
            elif found.kind != "directory":
                raise ConflictError(
                    f"'{here}' is a {found.kind}, so nothing of the archive goes through it"
                )

    def _owners(self, host: Host, member: Member) -> paths.Ownership:
        return paths.Ownership(
            owner=self.owner or _known(host, users.user_id, member.owner, member.uid),
            group=self.group or _known(host, users.group_id, member.group, member.gid),
            mode=self.mode or f"{member.mode:04o}",
        )


def _known(
    host: Host, find: Callable[[Host, str], int], name: str, number: int | None
) -> str | None:
    """The owner by name where the host has that name, else by number, as tar(1) does."""
    if name:
        try:
            return str(find(host, name))
        except NotFoundError:
            pass  # then its number counts
    return None if number is None else str(number)


def _link(host: Host, path: str, target: str) -> Iterator[Change]:
    found = host.files.stat(path, follow=False)
    old = host.files.readlink(path) if found and found.kind == "link" else None
    if old == target:
        return
    if found and found.kind == "directory":
        raise ConflictError(f"'{path}' is a directory, and the archive has a link there")
    if found and found.kind != "link":
        yield from paths.remove(host, path)
    yield MakeLink(path=path, target=target, old=old)


def _within(path: str, pattern: str) -> bool:
    """Does the pattern fit the path, or a folder that it is in?"""
    parts = path.split("/")
    heads = ("/".join(parts[: count + 1]) for count in range(len(parts)))
    return any(fnmatch.fnmatchcase(head, pattern.rstrip("/")) for head in heads)
