"""The ``host`` image: what a program from this machine's /usr needs around it, made locally.

One layer holds the directories, the links into /usr, and a few files of /etc that everyone may
read; /usr itself is bound read-only. Never shadow, keys, machine-id or a password's hash.
"""

import io
import os
import stat
import tarfile

from toolkit.images.host_stamp import FILE_DIRECTORIES, FILES, LINK_DIRECTORIES, TOP

_DIRECTORIES = {
    "": 0o755,
    "boot": 0o755,
    "dev": 0o755,
    "etc": 0o755,
    "home": 0o755,
    "media": 0o755,
    "mnt": 0o755,
    "opt": 0o755,
    "proc": 0o555,
    "root": 0o700,
    "run": 0o755,
    "run/lock": 0o1777,
    "srv": 0o755,
    "sys": 0o555,
    "tmp": 0o1777,
    "usr": 0o755,
    "var": 0o755,
    "var/cache": 0o755,
    "var/lib": 0o755,
    "var/log": 0o755,
    "var/spool": 0o755,
    "var/tmp": 0o1777,
}
_LINKS = {"var/run": "/run", "var/lock": "/run/lock", "etc/mtab": "/proc/self/mounts"}
_EMPTY = ("etc/hostname", "etc/hosts", "etc/resolv.conf")  # the engine's own go over them
_ACCOUNTS = ("etc/passwd", "etc/group")
_MAX_FILE = 4 * 1024 * 1024


def host_binds(root: str = "/") -> tuple[tuple[str, str], ...]:
    """/usr, and those of its neighbours that are directories of their own here."""
    separate = [name for name in TOP if _is_directory(os.path.join(root, name))]
    return tuple((f"{root}{name}", f"/{name}") for name in ("usr", *separate))


def host_layer(root: str = "/") -> bytes:
    """The layer as a tar; the same machine state gives the same bytes."""
    layer = _Layer(root)
    for name, mode in _DIRECTORIES.items():
        layer.directory(name, mode)
    for name in TOP:
        layer.top(name)
    for name, target in _LINKS.items():
        layer.link(name, target)
    for name in _EMPTY:
        layer.file(name, b"")
    for name in FILES:
        layer.copy(f"etc/{name}")
    for folder in FILE_DIRECTORIES:
        for name in layer.names(f"etc/{folder}"):
            layer.copy(f"etc/{folder}/{name}")
    for folder in LINK_DIRECTORIES:
        for name in layer.names(f"etc/{folder}"):
            layer.copy_link(f"etc/{folder}/{name}")
    return layer.finish()


class _Layer:
    """Collects the layer's entries; parents come by themselves."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(  # noqa: SIM115 - finish closes it
            fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT
        )
        self._made: set[str] = set()

    def finish(self) -> bytes:
        """The whole tar."""
        self._tar.close()
        return self._buffer.getvalue()

    def names(self, folder: str) -> list[str]:
        """The names in a directory of the machine, sorted; none where there is none."""
        path = os.path.join(self._root, folder)
        return sorted(os.listdir(path)) if _is_directory(path) else []

    def directory(self, name: str, mode: int) -> None:
        """Add a directory."""
        self._add(name or ".", tarfile.DIRTYPE, mode=mode)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(name, tarfile.SYMTYPE, mode=0o777, link=target)

    def file(self, name: str, data: bytes) -> None:
        """Add a file."""
        self._add(name, tarfile.REGTYPE, mode=0o644, data=data)

    def top(self, name: str) -> None:
        """Add ``bin`` and its like as what they are here: links into usr, or mount points."""
        path = os.path.join(self._root, name)
        if os.path.islink(path):
            self.link(name, os.readlink(path))
        elif os.path.isdir(path):
            self.directory(name, 0o755)

    def copy(self, name: str) -> None:
        """Add a file of the machine, or a link to one inside /usr."""
        path = os.path.join(self._root, name)
        if os.path.islink(path) and self._leads_into_usr(path):
            self.copy_link(name)
            return
        try:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or not found.st_mode & stat.S_IROTH:
                    return
                data = file.read(_MAX_FILE)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return
        self.file(name, _without_passwords(data) if name in _ACCOUNTS else data)

    def copy_link(self, name: str) -> None:
        """Add a symbolic link of the machine, if it ends inside /usr."""
        path = os.path.join(self._root, name)
        if os.path.islink(path) and self._leads_into_usr(path):
            self.link(name, os.readlink(path))

    def _leads_into_usr(self, path: str) -> bool:
        usr = os.path.realpath(os.path.join(self._root, "usr"))
        return os.path.realpath(path).startswith(f"{usr}/")

    def _add(self, name: str, kind: bytes, *, mode: int, link: str = "", data: bytes = b"") -> None:
        if name in self._made:
            return
        parent = os.path.dirname(name)
        if parent and parent not in self._made:
            self.directory(parent, 0o755)
        self._made.add(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(data)
        self._tar.addfile(entry, io.BytesIO(data))


def _without_passwords(data: bytes) -> bytes:
    """The lines of passwd(5) or group(5) with ``x`` in the place of any password."""
    lines = []
    for line in data.splitlines():
        fields = line.split(b":")
        if len(fields) > 1:
            fields[1] = b"x"
        lines.append(b":".join(fields) + b"\n")
    return b"".join(lines)


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
