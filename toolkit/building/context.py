"""The build context: the files that COPY and ADD may take, without those that are ignored."""

import os

from toolkit.building.ignoring import Ignore
from toolkit.building.selecting import Filter, digest, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.building.request import BuildRequest

NAME = "the build context"


class Context:
    """A directory and what is ignored in it; without a directory it is empty."""

    def __init__(self, request: "BuildRequest", folder: str) -> None:
        self.path = request.context or _empty(folder)
        self._ignore = Ignore.parse(request.ignore)

    def __bool__(self) -> bool:
        return bool(self._ignore)

    def digest(self, patterns: "list[str]", exclude: Ignore) -> tuple[str, str]:
        """The digest of what patterns mean, and ``file``, ``dir`` or ``multi``."""
        hidden = Filter(self._ignore, exclude)
        root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            paths = []
            for pattern in patterns:
                paths += select(root, pattern, hidden, where=NAME)
            kind = "multi" if len(paths) > 1 else _kind(root, paths[0])
            return digest(root, paths, hidden, owners=False), kind
        finally:
            os.close(root)

    def source(self, patterns: "list[str]") -> "dict[str, Any]":
        """The context as the process that copies is told of it."""
        return {
            "path": self.path,
            "name": NAME,
            "ignore": self._ignore.rules(),
            "paths": patterns,
        }


def _kind(root: int, path: str) -> str:
    found = os.stat(path or ".", dir_fd=root)
    return "dir" if found.st_mode & 0o170000 == 0o040000 else "file"


def _empty(folder: str) -> str:
    path = os.path.join(folder, "context")
    os.makedirs(path, exist_ok=True)
    return path
