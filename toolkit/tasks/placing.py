"""Put content at a destination: what ``copy`` and ``template`` have in common."""

import hashlib
import posixpath
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError
from toolkit.facts.machine import Stat
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.file_changes import WriteFile
from toolkit.tasks.host import Host
from toolkit.tasks.paths import Ownership
from toolkit.tasks.registry import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """What is to lie where; ``name`` is used where ``dest`` is a directory."""

    dest: str
    name: str
    data: bytes
    ownership: Ownership
    directory_mode: str | None = None
    backup: bool = False
    force: bool = True
    follow: bool = False
    validate: str | None = None


def place(host: Host, wanted: Placement) -> Plan:
    """The changes, and Ansible's values: ``dest``, ``checksum``, owners, mode, ``backup_file``."""
    dest = _destination(host, wanted)
    checksum = hashlib.sha1(wanted.data, usedforsecurity=False).hexdigest()
    values = {"dest": dest, "checksum": checksum}
    found = host.files.stat(dest, follow=False)
    if not wanted.force and host.files.stat(dest) is not None:
        return {"dest": dest}
    yield from _parents(host, wanted, dest)
    values |= yield from _replace(host, wanted, dest, found)
    return values | paths.told(host, dest)


def _replace(host: Host, wanted: Placement, dest: str, found: Stat | None) -> Plan:
    values = {}
    differs = not found or found.kind != "file" or host.files.read(dest) != wanted.data
    if differs:
        values["md5sum"] = hashlib.md5(wanted.data, usedforsecurity=False).hexdigest()
    if differs and wanted.validate:
        _validate(host, wanted.validate, wanted.data)
    if found and found.kind == "file" and differs and wanted.backup:
        values["backup_file"] = _backup_name(dest)
        kept = paths.content_of(host, dest, found)
        yield WriteFile(path=values["backup_file"], new=kept)
    if found and found.kind == "link":
        yield from paths.remove(host, dest)
    yield from paths.write(host, dest, wanted.data, wanted.ownership)
    return values


def _destination(host: Host, wanted: Placement) -> str:
    dest = paths.absolute(host, wanted.dest)
    found = host.files.stat(dest)
    if wanted.dest.endswith("/") or (found and found.kind == "directory"):
        if not wanted.name:
            raise ConflictError(f"'{dest}' is a directory, and content has no name to use in it")
        dest = posixpath.join(dest, wanted.name)
    return paths.resolve(host, dest) if wanted.follow else dest


def _parents(host: Host, wanted: Placement, dest: str) -> Iterator[Change]:
    """Directories are made where ``dest`` was written as one, as Ansible does."""
    parent = posixpath.dirname(dest)
    if wanted.dest.endswith("/") and host.files.stat(parent) is None:
        given = wanted.ownership
        mode = wanted.directory_mode
        made = Ownership(owner=given.owner, group=given.group, mode=mode)
        yield from paths.make_directories(host, parent, made)
    paths.need_parent(host, dest)


def _backup_name(dest: str) -> str:
    return f"{dest}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"


def _validate(host: Host, command: str, data: bytes) -> None:
    """Have a program judge the new content before it takes the old one's place."""
    if "%s" not in command:
        raise InvalidInputError(f"validate has no '%s' for the file: '{command}'")
    done = host.judge(tuple(shlex.split(command)), data)
    if done.status != 0:
        raise ToolkitError(
            f"'{command}' refuses the new content: {done.stderr.strip() or done.stdout.strip()}"
        )
