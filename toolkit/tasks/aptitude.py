"""Debian's packages: dpkg's database read as a file, ``apt-get`` where something has to happen."""

import os
import re
import time
from collections.abc import Callable, Mapping

from toolkit.core.errors import CommandError, NotFoundError
from toolkit.core.process import Completed
from toolkit.facts.packages import DPKG_STATUS, dpkg_status
from toolkit.tasks.host import PackageStep

LISTS = "/var/lib/apt/lists"
STAMP = "/var/lib/apt/periodic/update-success-stamp"

# A changed configuration file of the administrator is kept, as Ansible's apt does.
_OPTIONS = (
    "--quiet",
    "--yes",
    "-oDpkg::Options::=--force-confdef",
    "-oDpkg::Options::=--force-confold",
    "-oDPkg::Lock::Timeout=120",
)
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_HINTS = {
    "Could not get lock": "another package manager is at work; try again when it is done",
    "404  Not Found": "the package lists are old; set 'update_cache: true'",
    "Could not resolve": "the host cannot look up its package mirror's name",
    "No space left on device": "the disk is full",
}


class Apt:
    """``tasks.host.Packages`` by apt; ``run`` starts a program to its end, whatever its status."""

    def __init__(self, run: Callable[[tuple[str, ...], Mapping[str, str]], Completed]) -> None:
        self._run = run

    def installed(self) -> Mapping[str, str]:
        """Version by name of every installed package."""
        with open(DPKG_STATUS, encoding="utf-8", errors="replace") as file:
            return dpkg_status(file.read())

    def rehearse(
        self, verb: str, names: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[PackageStep, ...]:
        """What ``install``, ``remove``, ``purge`` or an upgrade would do, by apt's simulation."""
        argv = ("apt-get", "--simulate", *_OPTIONS, *options, verb, "--", *names)
        done = self._run(argv, _ENVIRONMENT)
        for line in done.stderr.splitlines():
            if _UNKNOWN in line:
                raise NotFoundError(
                    f"there is no package '{line.partition(_UNKNOWN)[2].strip()}'",
                    hint="the package lists may be old or lack a source; try 'update_cache: true'",
                )
        _judge(argv, done)
        return simulated(done.stdout)

    def index_age(self) -> float:
        """Seconds since the package lists were fetched; infinite if there are none."""
        try:
            have = any(name.endswith(("_Packages", "_Packages.lz4")) for name in os.listdir(LISTS))
        except FileNotFoundError:
            have = False
        if not have:
            return float("inf")
        return max(0.0, time.time() - os.stat(STAMP if os.path.exists(STAMP) else LISTS).st_mtime)

    def update(self) -> None:
        """Fetch the package lists."""
        self._apt("update")

    def install(self, names: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        """Install packages, or bring them to their candidate version."""
        self._apt(*options, "install", "--", *names)

    def upgrade(self, verb: str) -> None:
        """``upgrade`` or ``dist-upgrade`` everything."""
        self._apt(verb)

    def autoremove(self, *, purge: bool = False) -> None:
        """Remove what was installed for others that are gone."""
        self._apt("autoremove", *(("--purge",) if purge else ()))

    def remove(self, names: tuple[str, ...], *, purge: bool = False) -> None:
        """Remove packages, with their configuration if ``purge``."""
        self._apt("purge" if purge else "remove", *names)

    def _apt(self, *words: str) -> None:
        argv = ("apt-get", *_OPTIONS, *words)
        _judge(argv, self._run(argv, _ENVIRONMENT))


def _judge(argv: tuple[str, ...], done: Completed) -> None:
    if done.status != 0:
        said = done.stderr or done.stdout
        hints = (hint for sign, hint in _HINTS.items() if sign in said)
        raise CommandError(argv, done.status, said, hint=next(hints, ""))


_UNKNOWN = "Unable to locate package "
_STEP = re.compile(
    r"^(?P<verb>Inst|Remv|Purg) (?P<name>\S+)(?: \[(?P<old>\S+)\])?(?: \((?P<new>\S+))?",
    re.MULTILINE,
)


def simulated(said: str) -> tuple[PackageStep, ...]:
    """The steps in what ``apt-get --simulate`` printed: ``Inst name [old] (new origin)``."""
    return tuple(
        PackageStep(name=step["name"], old=step["old"] or "", new=step["new"] or "")
        for step in _STEP.finditer(said)
    )
