"""What ``stat``, ``find`` and ``get_url`` share: digests, kinds and rights in Ansible's words."""

import hashlib
import stat
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.facts import users
from toolkit.facts.machine import Machine, Stat

ALGORITHMS = ("sha1", "md5", "sha224", "sha256", "sha384", "sha512")


def check_algorithm(name: str) -> None:
    """Refuse a digest that there is not."""
    if name not in ALGORITHMS:
        raise InvalidInputError(
            f"'{name}' is no checksum algorithm", hint=did_you_mean(name, ALGORITHMS)
        )


def digest(data: bytes, algorithm: str) -> str:
    """The digest of some content, in hexadecimal."""
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def checksum(machine: Machine, path: str, algorithm: str) -> str:
    """The digest of a file, links followed, in hexadecimal."""
    return digest(machine.files.read(path), algorithm)


def told(machine: Machine, path: str, found: Stat) -> dict[str, Any]:
    """What lies at a path, in the words of Ansible's ``stat``: ``isdir``, ``rusr``, ``uid``."""
    return {
        "path": path,
        "mode": f"{found.mode:04o}",
        **{word: found.kind == kind for word, kind in _KINDS.items()},
        **{word: bool(found.mode & bit) for word, bit in _RIGHTS.items()},
        "uid": found.uid,
        "gid": found.gid,
        "pw_name": users.user_name(machine, found.uid),
        "gr_name": users.group_name(machine, found.gid),
        "size": found.size,
        "inode": found.inode[1],
        "dev": found.inode[0],
        "nlink": found.links,
        "atime": found.atime,
        "mtime": found.mtime,
        "ctime": found.ctime,
    }


_KINDS = {
    "isreg": "file",
    "isdir": "directory",
    "islnk": "link",
    "isfifo": "fifo",
    "issock": "socket",
    "isblk": "block",
    "ischr": "char",
}
_RIGHTS = {
    "rusr": stat.S_IRUSR,
    "wusr": stat.S_IWUSR,
    "xusr": stat.S_IXUSR,
    "rgrp": stat.S_IRGRP,
    "wgrp": stat.S_IWGRP,
    "xgrp": stat.S_IXGRP,
    "roth": stat.S_IROTH,
    "woth": stat.S_IWOTH,
    "xoth": stat.S_IXOTH,
    "isuid": stat.S_ISUID,
    "isgid": stat.S_ISGID,
}
