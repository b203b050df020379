"""What a runtime promises by default, as data: ``profiles/<name>.toml``.

A profile may say ``extends = "docker"`` and then only what differs. Paths in ``masked_*`` and
``read_only`` may hold ``*``.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.core.decode import decode
from toolkit.core.errors import NotFoundError
from toolkit.core.suggest import did_you_mean

FOLDER = Path(__file__).with_name("profiles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """The expected values of one runtime; section Z of the catalogue of checks.

    ``kind`` is ``engine`` or ``oci``. ``cgroup_namespace`` and ``hostname``: ``private`` or, on
    v1, the host's (``v2``); ``id`` for the container's short id, ``asked`` for its
    configuration's. ``pids_limit`` is
    what ``pids.max`` holds, or ``any``. ``open_devices`` (``10:200``) may be opened by design.
    ``sysctls`` are values inside a network namespace of its own.
    ``filter_allows`` are calls that its filter lets through by design, though Docker's does not.
    """

    name: str
    kind: str
    capabilities: frozenset[str]
    no_new_privileges: bool
    seccomp: bool
    filter_allows: tuple[str, ...]
    open_devices: tuple[str, ...]
    masked_files: tuple[str, ...]
    masked_folders: tuple[str, ...]
    read_only: tuple[str, ...]
    time_namespace: bool
    cgroup_namespace: str
    pids_limit: str
    hostname: str
    read_only_root: bool
    devices: tuple[str, ...]
    sysctls: dict[str, str]

    def stops(self, call: str) -> bool:
        """Whether its filter is there to stop a call."""
        return self.seccomp and call not in self.filter_allows

    @property
    def lenience(self) -> str:
        """Why a call gets past, in words."""
        if not self.seccomp:
            return f"{self.name} loads no filter"
        return f"the filter of {self.name} lets it through by design"


def names() -> list[str]:
    """Every profile that ships."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Profile:
    """The profile of that name; ``NotFoundError`` with the nearest one otherwise."""
    return decode(Profile, _read(name), at=f"{name}.toml")


def _read(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise NotFoundError(f"no runtime profile '{name}'", hint=did_you_mean(name, names()))
    data = tomllib.loads(path.read_text())
    base = data.pop("extends", "")
    return {**(_read(base) if base else {}), **data, "name": name}
