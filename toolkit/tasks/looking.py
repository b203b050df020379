"""What ``stat``, ``find`` and ``get_url`` share: digests, and kinds in Ansible's words."""

import hashlib

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
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


def kinds(found: Stat) -> dict[str, bool]:
    """What it is, in the words of Ansible's ``stat``: ``isdir``, ``isreg`` and the others."""
    return {
        "isreg": found.kind == "file",
        "isdir": found.kind == "directory",
        "islnk": found.kind == "link",
        "isfifo": found.kind == "fifo",
        "issock": found.kind == "socket",
        "isblk": found.kind == "block",
        "ischr": found.kind == "char",
    }
