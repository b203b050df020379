"""The agent's code as one file: this package's host side and the pure-Python libraries it needs.

Same inputs, same bytes: entries are sorted, dated 1980 and packed with one level. The file is kept
on the controller by a key made of every input's name, size and time, so that a second run reads
names only. Nothing binary travels: markupsafe and PyYAML work without their C halves.
"""

import hashlib
import importlib.util
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import toolkit
from toolkit.core.errors import NotFoundError
from toolkit.core.files import write_atomic

# What a host needs; an import contract keeps these rooms from needing anything else.
ROOMS = (
    "agent",
    "cgroup",
    "core",
    "engine",
    "facts",
    "images",
    "linux",
    "net",
    "oci",
    "playbook",
    "runtime",
    "tasks",
)
LIBRARIES = (
    "attr",
    "attrs",
    "cattrs",
    "jinja2",
    "markupsafe",
    "pyroute2",
    "pyseccomp",
    "typing_extensions",
    "urllib3",
    "yaml",
)
STAMP = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can hold
KEPT = 10
_ONE_MAKES = threading.Lock()  # a fleet's threads all ask at once


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """``digest`` is the SHA-256 of the zip file at ``path``."""

    digest: str
    path: Path

    @cached_property
    def content(self) -> bytes:
        """The zip's bytes; read when a host has to be sent them."""
        return self.path.read_bytes()


def bundle(cache_dir: Path) -> Bundle:
    """The bundle of this installation, made now if ``cache_dir`` has none that is current."""
    with _ONE_MAKES:
        return _bundle(cache_dir)


@cache
def _bundle(cache_dir: Path) -> Bundle:
    inputs = sorted(_inputs())
    key = _key(inputs)
    for found in cache_dir.glob(f"{key}.*.zip"):
        return Bundle(digest=found.name.split(".")[1], path=found)
    content = _pack(inputs)
    digest = hashlib.sha256(content).hexdigest()
    path = cache_dir / f"{key}.{digest}.zip"
    cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, content)
    _forget_old(cache_dir)
    return Bundle(digest=digest, path=path)


def _inputs() -> Iterator[tuple[str, Path]]:
    """Name in the bundle and place on this machine of every file that belongs in it."""
    package = Path(toolkit.__file__).parent
    yield "toolkit/__init__.py", package / "__init__.py"
    for room in ROOMS:
        yield from _tree(f"toolkit/{room}", package / room, suffix="")
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise NotFoundError(f"the library '{name}' is not installed", hint="reinstall dockyard")
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            yield from _tree(name, origin.parent, suffix=".py")
        else:
            yield origin.name, origin


def _tree(name: str, folder: Path, *, suffix: str) -> Iterator[tuple[str, Path]]:
    for where, folders, files in os.walk(folder):
        folders[:] = [entry for entry in folders if not entry.startswith(("__pycache__", "."))]
        inside = os.path.relpath(where, folder)
        for file in files:
            if file.endswith(suffix) and not file.endswith(".pyc"):
                yield os.path.normpath(os.path.join(name, inside, file)), Path(where, file)


def _key(inputs: list[tuple[str, Path]]) -> str:
    seen = hashlib.sha256(zlib.ZLIB_RUNTIME_VERSION.encode())
    for name, path in inputs:
        about = path.stat()
        seen.update(f"{name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return seen.hexdigest()[:32]


def _pack(inputs: list[tuple[str, Path]]) -> bytes:
    import io  # noqa: PLC0415 - only where no bundle is kept

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, path in inputs:
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes(), compresslevel=9)
    return packed.getvalue()


def _forget_old(cache_dir: Path) -> None:
    """Keep the newest few: each change of a file in the source tree makes another bundle."""
    found = sorted(cache_dir.glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        path.unlink(missing_ok=True)
