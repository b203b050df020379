"""``slurp``: the content of a file, in base64."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task


@task("slurp")
@dataclass(frozen=True, kw_only=True, slots=True)
class Slurp:
    """Read a file of the host; Ansible's ``slurp``. ``content | b64decode`` is its text."""

    aliases: ClassVar[Mapping[str, str]] = {"path": "src"}
    reads: ClassVar[bool] = True

    src: str

    def plan(self, host: Host) -> Plan:
        """Read; nothing ever changes."""
        yield from ()
        path = paths.absolute(host, self.src)
        found = host.files.stat(path)
        if found is None:
            raise NotFoundError(f"file not found: '{path}'")
        if found.kind == "directory":
            raise InvalidInputError(f"'{path}' is a directory and has no content")
        content = base64.b64encode(host.files.read(path)).decode()
        return {"content": content, "source": path, "encoding": "base64"}
