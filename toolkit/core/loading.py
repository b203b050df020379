"""Import this package from its byte code with less ado than Python itself has.

Python asks several finders for each module, lists folders and builds a loader: on a start that
imports seventy modules this takes as long as all that they do. Here a module is looked for where it
must be, and taken if its byte code is there and belongs to its source by the very rule that Python
has (PEP 3147, PEP 552: version, time and size). For everything else Python does as it always does.
"""

import marshal
import posix
import sys
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType
else:
    ModuleSpec = type(sys.__spec__)

_PACKAGE = __name__.partition(".")[0] + "."
_CACHED = f"__pycache__/{{}}.{sys.implementation.cache_tag}.pyc"
_HEADER = 16
_BY_TIME = b"\0\0\0\0"
_MASK = 0xFFFFFFFF


class Loader(SourceFileLoader):
    """Python's own, but that it has the code already."""

    code: "CodeType | None" = None

    def get_code(self, fullname: str) -> "CodeType | None":
        """The code, which is given away once."""
        code, self.code = self.code, None
        return super().get_code(fullname) if code is None else code


class Finder:
    """Finds what lies below this package."""

    @staticmethod
    def find_spec(
        fullname: str, path: "Sequence[str] | None" = None, _target: object = None
    ) -> "ModuleSpec | None":
        """The module and its code, or ``None`` where Python shall look itself."""
        if not path or not fullname.startswith(_PACKAGE):
            return None
        folder, name = path[0], fullname.rpartition(".")[2]
        return _spec(fullname, folder, name) or _spec(fullname, f"{folder}/{name}", "__init__")


def _spec(fullname: str, folder: str, name: str) -> "ModuleSpec | None":
    source, cached = f"{folder}/{name}.py", f"{folder}/{_CACHED.format(name)}"
    code = _code(source, cached)
    if code is None:
        return None
    loader = Loader(fullname, source)
    loader.code = code
    spec = ModuleSpec(fullname, loader, origin=source, is_package=name == "__init__")
    spec.has_location = True
    spec.cached = cached
    if spec.submodule_search_locations is not None:
        spec.submodule_search_locations.append(folder)
    return spec


def _code(source: str, cached: str) -> "CodeType | None":
    try:
        fd = posix.open(cached, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = posix.read(fd, posix.fstat(fd).st_size)
    finally:
        posix.close(fd)
    try:
        status = posix.stat(source)
    except OSError:
        return None
    time, size = int(status.st_mtime) & _MASK, status.st_size & _MASK
    belongs = MAGIC_NUMBER + _BY_TIME + time.to_bytes(4, "little") + size.to_bytes(4, "little")
    if data[:_HEADER] != belongs:
        return None
    try:
        code: CodeType = marshal.loads(memoryview(data)[_HEADER:])  # noqa: S302 - as Python
    except (EOFError, ValueError, TypeError):
        return None  # it was cut off
    return code


def install() -> None:
    """From now on, for all of this process."""
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)
