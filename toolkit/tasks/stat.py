"""``stat``: what lies at a path."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit.facts.machine import Stat as Found
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.looking import ALGORITHMS, check_algorithm, checksum, told
from toolkit.tasks.registry import Plan, task

_ACCESS = {"readable": "-r", "writeable": "-w", "executable": "-x"}  # test(1)


@task("stat")
@dataclass(frozen=True, kw_only=True, slots=True)
class Stat:
    """Tell what lies at ``path``; Ansible's ``stat``. A missing path is no error.

    The values are in ``stat``: ``exists``, ``isdir``, ``mode``, ``checksum`` and the others of
    Ansible. ``get_checksum``, ``get_mime`` and ``get_attributes`` say what is worth the time.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "dest": "path",
        "name": "path",
        "checksum": "checksum_algorithm",
        "checksum_algo": "checksum_algorithm",
        "attr": "get_attributes",
        "attributes": "get_attributes",
        "mime": "get_mime",
        "mime_type": "get_mime",
        "mime-type": "get_mime",
    }
    reads: ClassVar[bool] = True

    path: str
    follow: bool = False
    get_checksum: bool = True
    get_mime: bool = True
    get_attributes: bool = True
    checksum_algorithm: str = ALGORITHMS[0]

    def __post_init__(self) -> None:
        check_algorithm(self.checksum_algorithm)

    def plan(self, host: Host) -> Plan:
        """Look; nothing ever changes."""
        yield from ()
        path = paths.absolute(host, self.path)
        found = host.files.stat(path, follow=self.follow)
        if found is None:
            return {"stat": {"exists": False}}
        values = {"exists": True, **told(host, path, found), "device_type": found.device}
        values |= {"blocks": found.blocks, "block_size": found.block_size}
        values |= _link(host, path, found) | self._access(host, path)
        return {"stat": values | self._content(host, path, found)}

    def _access(self, host: Host, path: str) -> dict[str, Any]:
        """What the user of this task may do there."""
        return {name: host.run(("test", flag, path)).status == 0 for name, flag in _ACCESS.items()}

    def _content(self, host: Host, path: str, found: Found) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self.get_checksum and found.kind == "file":
            values["checksum"] = checksum(host, path, self.checksum_algorithm)
        if self.get_mime:
            values |= _mime(host, path)
        if self.get_attributes:
            values |= _attributes(host, path, found)
        return values


def _link(host: Host, path: str, found: Found) -> dict[str, Any]:
    if found.kind != "link":
        return {}
    return {"lnk_target": host.files.readlink(path), "lnk_source": paths.resolve(host, path)}


def _mime(host: Host, path: str) -> dict[str, Any]:
    """Type and encoding as file(1) guesses them, ``unknown`` where it is not installed."""
    done = host.run(("file", "--brief", "--mime-type", "--mime-encoding", "--", path))
    if done.status != 0 or ";" not in done.stdout:
        return {"mimetype": "unknown", "charset": "unknown"}
    kind, _, charset = done.stdout.strip().partition(";")
    return {"mimetype": kind, "charset": charset.partition("=")[2]}


def _attributes(host: Host, path: str, found: Found) -> dict[str, Any]:
    """The flags that lsattr(1) shows; nothing on a file system without them."""
    nothing: dict[str, Any] = {"version": None, "attributes": [], "attr_flags": ""}
    if found.kind not in ("file", "directory"):
        return nothing
    done = host.run(("lsattr", "-vd", "--", path))
    words = done.stdout.split()
    if done.status != 0 or len(words) < 2:
        return nothing
    flags = words[1].replace("-", "")
    names = [_FLAGS[flag] for flag in flags if flag in _FLAGS]
    return {"version": words[0], "attributes": names, "attr_flags": flags}


_FLAGS = {  # chattr(1), in Ansible's words
    "A": "noatime",
    "a": "append",
    "c": "compressed",
    "C": "nocow",
    "d": "nodump",
    "D": "dirsync",
    "e": "extents",
    "E": "encrypted",
    "h": "blocksize",
    "i": "immutable",
    "I": "indexed",
    "j": "journalled",
    "N": "inline",
    "s": "zero",
    "S": "synchronous",
    "t": "notail",
    "T": "blockroot",
    "u": "undelete",
    "X": "compressedraw",
    "Z": "compresseddirty",
}
