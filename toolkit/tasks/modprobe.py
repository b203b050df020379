"""``modprobe``: a kernel module is loaded, now and, if wanted, after a reboot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError, UnsupportedError
from toolkit.facts import kernel
from toolkit.facts.machine import names
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import LoadModule, UnloadModule

LOAD = "/etc/modules-load.d"
OPTIONS = "/etc/modprobe.d"
CLASSIC = "/etc/modules"


class Persistent(StrEnum):
    """What the files say that are read at boot."""

    DISABLED = "disabled"
    PRESENT = "present"
    ABSENT = "absent"


@task("modprobe")
@dataclass(frozen=True, kw_only=True, slots=True)
class Modprobe:
    """Hold a kernel module loaded or unloaded; ``community.general.modprobe``.

    What is built into the kernel counts as present. ``persistent: present`` has it loaded at
    boot, ``absent`` comments it out there, ``disabled`` leaves the files alone.
    """

    proves: ClassVar[tuple[str, ...]] = ("HOST-MODULES-16",)

    name: str
    state: Presence = Presence.PRESENT
    params: str = ""
    persistent: Persistent = Persistent.DISABLED

    def __post_init__(self) -> None:
        if not self.name.replace("-", "_").isidentifier() and not self.name.isalnum():
            raise InvalidInputError(f"'{self.name}' is no name of a kernel module")

    def plan(self, host: Host) -> Plan:
        """Compare the kernel, then the files."""
        yield from self._live(host)
        if self.persistent is Persistent.PRESENT:
            yield from self._kept(host)
        elif self.persistent is Persistent.ABSENT:
            yield from self._dropped(host)
        return {"name": self.name, "params": self.params, "state": self.state.value}

    def _live(self, host: Host) -> Iterator[Change]:
        now = kernel.module(host, self.name)
        if self.state is Presence.PRESENT and now is kernel.Module.ABSENT:
            if not kernel.loads_modules(host):
                raise UnsupportedError(
                    f"the kernel has no '{self.name}', and it cannot load modules",
                    hint="boot a kernel that has it built in or that can load modules",
                )
            yield LoadModule(name=self.name, params=self.params)
        elif self.state is Presence.ABSENT and now is kernel.Module.BUILT_IN:
            raise ConflictError(
                f"'{self.name}' is built into the kernel, so it cannot be unloaded",
                hint="leave the task out for this host",
            )
        elif self.state is Presence.ABSENT and now is kernel.Module.LOADED:
            yield UnloadModule(name=self.name, params=self.params)

    def _kept(self, host: Host) -> Iterator[Change]:
        if not any(self._names(line) for path in _load_files(host) for line in _lines(host, path)):
            yield from _put(host, f"{LOAD}/{self.name}.conf", f"{self.name}\n")
        if self.params:
            wanted = f"options {self.name} {self.params}"
            held = (line.strip() for path in _option_files(host) for line in _lines(host, path))
            if wanted not in held:
                yield from _put(host, f"{OPTIONS}/{self.name}.conf", f"{wanted}\n")

    def _dropped(self, host: Host) -> Iterator[Change]:
        for path in _load_files(host):
            yield from self._commented(host, path, self._names)
        for path in _option_files(host):
            yield from self._commented(host, path, self._has_options)

    def _commented(self, host: Host, path: str, chosen: Callable[[str], bool]) -> Iterator[Change]:
        lines = _lines(host, path)
        if any(chosen(line) for line in lines):
            new = "".join(f"#{line}\n" if chosen(line) else f"{line}\n" for line in lines)
            yield from _put(host, path, new)

    def _names(self, line: str) -> bool:
        return line.strip() == self.name

    def _has_options(self, line: str) -> bool:
        return line.split()[:2] == ["options", self.name]


def _load_files(host: Host) -> tuple[str, ...]:
    return (*_configurations(host, LOAD), CLASSIC)


def _option_files(host: Host) -> tuple[str, ...]:
    return _configurations(host, OPTIONS)


def _configurations(host: Host, folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names(host, folder) if name.endswith(".conf"))


def _lines(host: Host, path: str) -> list[str]:
    return paths.text_of(host, path).splitlines()


def _put(host: Host, path: str, content: str) -> Iterator[Change]:
    yield from paths.make_directories(host, path.rpartition("/")[0], paths.KEEP)
    yield from paths.write(host, paths.resolve(host, path), paths.as_bytes(content), paths.KEEP)
