"""``package_facts``: which packages are installed, as facts."""

from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.tasks.host import Host
from toolkit.tasks.package import refuse_others
from toolkit.tasks.registry import Plan, task

_MANAGERS = ("auto", "apt")


@task("package_facts")
@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFacts:
    """Tell the installed packages in ``ansible_facts.packages``; Ansible's ``package_facts``.

    Each name leads to a list, for a package can be there for several architectures.
    """

    reads: ClassVar[bool] = True

    manager: tuple[str, ...] = ("auto",)
    strategy: str = "first"

    def __post_init__(self) -> None:
        for name in self.manager:
            if name not in _MANAGERS:
                raise InvalidInputError(
                    f"dockyard cannot ask the package manager '{name}'",
                    hint=did_you_mean(name, _MANAGERS),
                )
        if self.strategy not in ("first", "all"):
            raise InvalidInputError("strategy is 'first' or 'all'")

    def plan(self, host: Host) -> Plan:
        """Read; nothing ever changes."""
        yield from ()
        refuse_others(host)
        found: dict[str, list[dict[str, Any]]] = {}
        installed = host.packages.installed()
        for full, version in sorted(installed.items()):
            name, colon, architecture = full.partition(":")
            if colon:
                found.setdefault(name, []).append(_told(name, version, architecture))
            else:
                found.setdefault(name, [])
        for name, entries in found.items():
            if not entries:
                entries.append(_told(name, installed[name], ""))
        return {"ansible_facts": {"packages": found}}


def _told(name: str, version: str, architecture: str) -> dict[str, Any]:
    told = {"name": name, "version": version, "source": "apt"}
    return told | ({"arch": architecture} if architecture else {})
