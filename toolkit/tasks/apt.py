"""``apt``: Debian's packages are installed, absent or in their latest version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.package import Package
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import (
    AutoremovePackages,
    InstallPackages,
    RunCommand,
    UpgradePackages,
)


class Upgrade(StrEnum):
    """How much an upgrade may change."""

    NO = "no"
    YES = "yes"
    SAFE = "safe"
    DIST = "dist"
    FULL = "full"


_FALSE = ("false", "no", "off", "n", "f", "0")
_TRUE = ("true", "on", "y", "t", "1")


@task("apt")
@dataclass(frozen=True, kw_only=True, slots=True)
class Apt(Package):
    """Hold Debian's packages; Ansible's ``apt``.

    As ``package``, and: ``upgrade`` everything (``yes`` and ``safe`` remove nothing, ``dist`` and
    ``full`` may), ``autoremove`` what nothing needs, ``deb`` a package's file on the host,
    ``clean`` what was downloaded.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "pkg": "name",
        "package": "name",
        "update-cache": "update_cache",
        "default-release": "default_release",
        "install-recommends": "install_recommends",
    }

    upgrade: str = "no"
    autoremove: bool = False
    clean: bool = False
    deb: str | None = None
    default_release: str | None = None
    install_recommends: bool | None = None
    only_upgrade: bool = False
    allow_downgrade: bool = False
    allow_unauthenticated: bool = False
    allow_change_held_packages: bool = False

    def __post_init__(self) -> None:
        self._how()
        others = (self._how() is not Upgrade.NO, self.autoremove, self.clean, self.deb)
        if self.name or not any(others):
            Package.__post_init__(self)
        if self.name and (self._how() is not Upgrade.NO or self.deb):
            raise InvalidInputError("name excludes upgrade and deb")

    def _how(self) -> Upgrade:
        """YAML makes ``yes`` and ``no`` of ``upgrade`` truth values, and they text again."""
        word = self.upgrade.lower()
        word = "no" if word in _FALSE else "yes" if word in _TRUE else word
        try:
            return Upgrade(word)
        except ValueError:
            raise InvalidInputError(
                f"upgrade is one of {', '.join(Upgrade)}, not '{self.upgrade}'"
            ) from None

    def options(self) -> tuple[str, ...]:
        """What apt-get is told beside the names."""
        told = [f"--target-release={self.default_release}"] if self.default_release else []
        if self.install_recommends is not None:
            told.append(f"--{'' if self.install_recommends else 'no-'}install-recommends")
        flags = {
            "--only-upgrade": self.only_upgrade,
            "--allow-downgrades": self.allow_downgrade,
            "--allow-unauthenticated": self.allow_unauthenticated,
            "--allow-change-held-packages": self.allow_change_held_packages,
        }
        return (*told, *(flag for flag, on in flags.items() if on))

    def plan(self, host: Host) -> Plan:
        """Compare what is installed; ask apt only where something is missing."""
        values = {"cache_updated": False}
        if self.name or self.update_cache:
            values = yield from Package.plan(self, host)
        if self.deb:
            yield from self._file(host, paths.absolute(host, self.deb))
        if self._how() is not Upgrade.NO:
            yield from self._upgrade(host)
        if self.autoremove:
            yield from self._autoremove(host)
        if self.clean:
            yield RunCommand(argv=("apt-get", "clean"))
        return values

    def _file(self, host: Host, path: str) -> Iterator[Change]:
        if host.files.stat(path) is None and not host.may_appear(path):
            raise NotFoundError(f"there is no file '{path}' on this host")
        told = host.run(("dpkg-deb", "--show", "--showformat=${Package}=${Version}", path))
        name, _, version = told.stdout.strip().partition("=")
        if told.status != 0 and not host.may_appear(path):
            raise InvalidInputError(f"'{path}' is no Debian package", hint=told.stderr.strip())
        if host.packages.installed().get(name) != version:
            new = f"{name}={version}" if name else path
            yield InstallPackages(names=(path,), new=(new,), options=self.options())

    def _upgrade(self, host: Host) -> Iterator[Change]:
        verb = "dist-upgrade" if self._how() in (Upgrade.DIST, Upgrade.FULL) else "upgrade"
        steps = host.packages.rehearse(verb, ())
        if steps:
            yield UpgradePackages(
                verb=verb,
                new=tuple(f"{step.name}={step.new}" for step in steps if step.new),
                old=tuple(f"{step.name}={step.old}" for step in steps if step.old),
            )

    def _autoremove(self, host: Host) -> Iterator[Change]:
        steps = host.packages.rehearse("autoremove", ())
        gone = tuple(f"{step.name}={step.old}" for step in steps if not step.new)
        if gone:
            yield AutoremovePackages(old=gone, purge=self.purge)
