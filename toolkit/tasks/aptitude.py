"""Debian's packages: dpkg's database read as a file, ``apt-get`` where something has to happen."""

import os
import time
from collections.abc import Callable, Mapping

from toolkit.core.errors import CommandError
from toolkit.core.process import Completed
from toolkit.facts.packages import DPKG_STATUS, dpkg_status

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
    "Unable to locate package": "the package lists may be old; set 'update_cache: true'",
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

    def candidates(self, names: tuple[str, ...]) -> Mapping[str, str]:
        """The version that an install would bring, by name; unknown packages are left out."""
        return policies(self._run(("apt-cache", "policy", *names), _ENVIRONMENT).stdout)

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

    def install(self, names: tuple[str, ...]) -> None:
        """Install packages, or bring them to their candidate version."""
        self._apt("install", *names)

    def remove(self, names: tuple[str, ...], *, purge: bool = False) -> None:
        """Remove packages, with their configuration if ``purge``."""
        self._apt("purge" if purge else "remove", *names)

    def _apt(self, *words: str) -> None:
        argv = ("apt-get", *_OPTIONS, *words)
        done = self._run(argv, _ENVIRONMENT)
        if done.status != 0:
            said = done.stderr or done.stdout
            hints = (hint for sign, hint in _HINTS.items() if sign in said)
            raise CommandError(argv, done.status, said, hint=next(hints, ""))


def policies(said: str) -> dict[str, str]:
    """Candidate version by name from what ``apt-cache policy NAME…`` printed."""
    found, name = {}, ""
    for line in said.splitlines():
        if not line.startswith(" "):
            name = line.removesuffix(":")
        elif line.startswith("  Candidate: ") and not line.endswith("(none)"):
            found[name] = line.removeprefix("  Candidate: ")
    return found
