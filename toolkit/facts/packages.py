"""Which packages are installed, from the package database itself: no program is started."""

import re

from toolkit.facts.machine import Machine, text

DPKG_STATUS = "/var/lib/dpkg/status"


def installed(machine: Machine) -> dict[str, str]:
    """Version by name of every installed Debian package; empty on other distributions."""
    return dpkg_status(text(machine, DPKG_STATUS))


def dpkg_status(status: str) -> dict[str, str]:
    """The same from the text of dpkg's ``status`` file (deb-control(5) paragraphs).

    What was removed and left its configuration behind does not count. A package of a foreign
    architecture stands under ``name:architecture`` beside the native one.
    """
    found: dict[str, str] = {}
    for package in _INSTALLED.finditer(status):
        name, architecture, version = package.group("name", "architecture", "version")
        found.setdefault(name, version)
        found[f"{name}:{architecture}"] = version
    return found


# dpkg writes the fields of a paragraph in one fixed order; lines between belong to it, since an
# empty line ends it.
_INSTALLED = re.compile(
    r"^Package: (?P<name>.+)\n"
    r"(?:.+\n)*?"
    r"Status: \S+ ok installed\n"
    r"(?:.+\n)*?"
    r"Architecture: (?P<architecture>.+)\n"
    r"(?:.+\n)*?"
    r"Version: (?P<version>.+)$",
    re.MULTILINE,
)
