"""``sysctl``: a kernel parameter has a value, now and after a reboot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.facts import kernel
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import SetSysctl

CLASSIC = "/etc/sysctl.conf"
DROP_IN = "/etc/sysctl.d/99-sysctl.conf"

_TRUE = ("true", "yes", "on", "y", "t")
_FALSE = ("false", "no", "off", "n", "f")


@task("sysctl")
@dataclass(frozen=True, kw_only=True, slots=True)
class Sysctl:
    """Hold one kernel parameter in the kernel and in ``sysctl_file``; ``ansible.posix.sysctl``.

    The file is by default ``/etc/sysctl.conf`` where there is one; newer distributions no longer
    read it, so elsewhere it is ``/etc/sysctl.d/99-sysctl.conf``. With ``reload: false`` and without
    ``sysctl_set`` only the file is held. ``absent`` takes it out of the file; the kernel keeps
    its value until the next boot.
    """

    aliases: ClassVar[Mapping[str, str]] = {"key": "name", "val": "value"}
    proves: ClassVar[tuple[str, ...]] = ("HOST-FORWARD-14", "HOST-SYSCTL-15")

    name: str
    value: str | None = None
    state: Presence = Presence.PRESENT
    reload: bool = True
    sysctl_file: str | None = None
    sysctl_set: bool = False
    ignoreerrors: bool = False

    def __post_init__(self) -> None:
        if self.state is Presence.PRESENT and self.value is None:
            raise InvalidInputError("value is missing")
        if not self.name.strip() or self.name != self.name.strip():
            raise InvalidInputError(f"'{self.name}' is no kernel parameter")

    def plan(self, host: Host) -> Plan:
        """Compare the kernel's value, then the file's."""
        path = self._file(host)
        if self.state is Presence.PRESENT and (self.reload or self.sysctl_set):
            yield from self._live(host)
        yield from self._kept(host, path)
        return {"name": self.name, "value": self.value, "sysctl_file": path}

    def _live(self, host: Host) -> Iterator[Change]:
        now, wanted = kernel.sysctl(host, self.name), _plain(str(self.value))
        if now is None and not host.may_appear("/proc/sys"):
            if self.ignoreerrors:
                return
            raise NotFoundError(
                f"this kernel has no parameter '{self.name}'",
                hint="it may appear when a module is loaded; 'sysctl -a' lists what there is",
            )
        if now != wanted:
            yield SetSysctl(name=self.name, new=wanted, old=now or "")

    def _kept(self, host: Host, path: str) -> Iterator[Change]:
        found = host.files.stat(path)
        if found is None and self.state is Presence.ABSENT:
            return
        text = paths.text_of(host, path)
        wanted = None if self.state is Presence.ABSENT else f"{self.name}={_plain(str(self.value))}"
        new = edited(text, self.name, wanted)
        if new != text:
            yield from paths.make_directories(host, path.rpartition("/")[0], paths.KEEP)
            yield from paths.write(host, paths.resolve(host, path), paths.as_bytes(new), paths.KEEP)

    def _file(self, host: Host) -> str:
        if self.sysctl_file:
            return paths.absolute(host, self.sysctl_file)
        return CLASSIC if host.files.stat(CLASSIC) else DROP_IN


def edited(text: str, name: str, line: str | None) -> str:
    """The file's text with ``line`` in place of the first assignment of ``name``, and no other.

    Comments and everything else stay as they are; a new line goes to the end.
    """
    kept: list[str] = []
    for old in text.splitlines():
        if _assigns(old, name):
            if line is None:
                continue
            same = _same(old, line)
            kept.append(old if same else line)
            line = None
        else:
            kept.append(old)
    if line is not None:
        kept.append(line)
    return "".join(f"{each}\n" for each in kept)


def _assigns(line: str, name: str) -> bool:
    key, equals, _ = line.strip().lstrip("-").partition("=")
    if not equals or key.startswith(("#", ";")):
        return False
    return kernel.sysctl_path(key.strip()) == kernel.sysctl_path(name)


def _same(one: str, other: str) -> bool:
    return _value(one) == _value(other)


def _value(line: str) -> str:
    return " ".join(line.partition("=")[2].split())


def _plain(value: str) -> str:
    """``yes`` and ``no`` as the kernel writes them, and single blanks between parts."""
    lowered = value.strip().lower()
    if lowered in _TRUE or lowered in _FALSE:
        return "1" if lowered in _TRUE else "0"
    return " ".join(value.split())
