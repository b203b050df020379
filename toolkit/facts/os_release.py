"""Which distribution this is, from os-release(5)."""

import shlex
from dataclasses import dataclass

from toolkit.facts.machine import Machine, text

PATHS = ("/etc/os-release", "/usr/lib/os-release")

# Ansible's names where they are not the first word of NAME with a capital.
_NAMES = {
    "almalinux": "AlmaLinux",
    "amzn": "Amazon",
    "centos": "CentOS",
    "ol": "OracleLinux",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "raspbian": "Debian",
    "rhel": "RedHat",
    "sles": "SLES",
    "arch": "Archlinux",
    "linuxmint": "Linux Mint",
}
_FAMILIES = (
    ("debian", "Debian"),
    ("ubuntu", "Debian"),
    ("rhel", "RedHat"),
    ("fedora", "RedHat"),
    ("suse", "Suse"),
    ("sles", "Suse"),
    ("opensuse", "Suse"),
    ("arch", "Archlinux"),
    ("alpine", "Alpine"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """Names as Ansible has them: ``Debian``, ``12``, ``bookworm``, family ``Debian``."""

    name: str = "NA"
    version: str = "NA"
    release: str = "NA"
    family: str = "NA"
    id: str = ""

    @property
    def major(self) -> str:
        """The version up to its first dot."""
        return self.version.partition(".")[0]


def distribution(machine: Machine) -> Distribution:
    """The machine's distribution; ``NA`` for what it does not tell."""
    fields: dict[str, str] = {}
    for path in PATHS:
        fields = fields or parse(text(machine, path))
    point = text(machine, "/etc/debian_version").strip()
    return identify(fields, debian_version=point)


def identify(fields: dict[str, str], *, debian_version: str = "") -> Distribution:
    """The distribution that these os-release fields name.

    Debian's os-release knows no point release, so ``/etc/debian_version`` adds it.
    """
    name = fields.get("ID", "")
    if not name:
        return Distribution()
    version = fields.get("VERSION_ID", "NA")
    if name == "debian" and debian_version.partition(".")[0] == version:
        version = debian_version
    return Distribution(
        id=name,
        name=_NAMES.get(name, name.capitalize()),
        version=version,
        release=fields.get("VERSION_CODENAME") or _in_parentheses(fields.get("VERSION", "")),
        family=_family(name, fields.get("ID_LIKE", "").split()),
    )


def parse(content: str) -> dict[str, str]:
    """The assignments of an os-release file; quoting is the shell's."""
    found = {}
    for line in content.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name] = "".join(shlex.split(value)) if "\\" in value else value.strip("\"'")
    return found


def _in_parentheses(version: str) -> str:
    inside = version.partition("(")[2].partition(")")[0]
    return inside or "NA"


def _family(name: str, like: list[str]) -> str:
    for word in (name, *like):
        for start, family in _FAMILIES:
            if word.startswith(start):
                return family
    return name.capitalize()
