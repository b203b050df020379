"""``assemble``: a file is what the fragments in a folder are together."""

import posixpath
import re
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import paths
from toolkit.tasks.editing import pattern
from toolkit.tasks.host import Host
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task


@task("assemble")
@dataclass(frozen=True, kw_only=True, slots=True)
class Assemble:
    """Hold a file at the fragments of a folder, sorted by name; Ansible's ``assemble``.

    The folder is one of the host. ``delimiter`` stands between fragments; only those whose names
    ``regexp`` fits are taken.
    """

    src: str
    dest: str
    remote_src: bool = False
    delimiter: str | None = None
    regexp: str | None = None
    ignore_hidden: bool = False
    backup: bool = False
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    validate: str | None = None

    def __post_init__(self) -> None:
        if not self.remote_src:
            raise InvalidInputError(
                "fragments of the controller are not sent",
                hint="copy them to the host first, and say 'remote_src: true'",
            )
        pattern("regexp", self.regexp or "")

    def plan(self, host: Host) -> Plan:
        """Compare the file with its fragments."""
        src = paths.absolute(host, self.src)
        found = host.files.stat(src)
        if found is None or found.kind != "directory":
            raise NotFoundError(f"there is no folder '{src}' of fragments on this host")
        owners = paths.Ownership(owner=self.owner, group=self.group, mode=self.mode)
        placement = Placement(
            dest=self.dest,
            name="",
            data=self._assembled(host, src),
            ownership=owners,
            backup=self.backup,
            follow=True,
            validate=self.validate,
        )
        return {"src": src, "msg": "OK", **(yield from place(host, placement))}

    def _assembled(self, host: Host, src: str) -> bytes:
        fragments = [host.files.read(path) for path in self._fragments(host, src)]
        if self.delimiter is None:
            return b"".join(_ended(each) for each in fragments[:-1]) + b"".join(fragments[-1:])
        sign = _ended(self.delimiter.encode().decode("unicode_escape").encode())
        return sign.join(_ended(each) for each in fragments)

    def _fragments(self, host: Host, src: str) -> list[str]:
        names = [
            name
            for name in host.files.listdir(src)
            if (self.regexp is None or re.search(self.regexp, name))
            and not (self.ignore_hidden and name.startswith("."))
        ]
        found = [posixpath.join(src, name) for name in names]
        return [path for path in found if _is_file(host, path)]


def _is_file(host: Host, path: str) -> bool:
    found = host.files.stat(path)
    return found is not None and found.kind == "file"


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") or not data else data + b"\n"
