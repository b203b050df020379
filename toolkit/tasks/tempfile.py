"""``tempfile``: a new file or directory with a name that nobody else has."""

import posixpath
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import paths
from toolkit.tasks.file_changes import Content, MakeDirectory, WriteFile
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.registry import Plan, task


class State(StrEnum):
    """What is made."""

    DIRECTORY = "directory"
    FILE = "file"


@task("tempfile")
@dataclass(frozen=True, kw_only=True, slots=True)
class TempFile:
    """Make a file or directory that only its owner can read; Ansible's ``tempfile``.

    Its name is in ``path``; removing it is another task's work. Each run makes another one.
    """

    acts: ClassVar[bool] = True

    state: State = State.FILE
    path: str | None = None
    prefix: str = "ansible."
    suffix: str = ""

    def __post_init__(self) -> None:
        if "/" in self.prefix + self.suffix:
            raise InvalidInputError("prefix and suffix are parts of a name, without a slash")

    def plan(self, host: Host) -> Plan:
        """Choose a name and make it."""
        folder = paths.absolute(host, self.path or "/tmp")  # noqa: S108 - where such files go
        path = posixpath.join(folder, f"{self.prefix}{secrets.token_hex(4)}{self.suffix}")
        paths.need_parent(host, path)
        if self.state is State.DIRECTORY:
            yield MakeDirectory(path=path, attributes=Attributes(mode=0o700))
        else:
            yield WriteFile(path=path, new=Content(data=b"", attributes=Attributes(mode=0o600)))
        return {**paths.told(host, path), "path": path}
