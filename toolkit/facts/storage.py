"""Mounted file systems of disks and servers, with their sizes."""

import re
from typing import Any

from toolkit.facts.machine import Machine, text

_ESCAPED = re.compile(r"\\([0-7]{3})")  # fstab(5): blanks and the like are in octal


def mounts(machine: Machine) -> list[dict[str, Any]]:
    """Ansible's ``ansible_mounts``; sizes in bytes, left out where they cannot be read.

    What has no device, such as ``/proc`` and ``/dev/shm``, is left out.
    """
    found = []
    for row in parse(text(machine, "/proc/self/mounts")):
        sizes = machine.files.space(row["mount"])
        if sizes is not None:
            row |= {"size_total": sizes[0], "size_available": sizes[1]}
        found.append(row)
    return found


def parse(content: str) -> list[dict[str, Any]]:
    """The rows of ``/proc/mounts`` whose device is a path or a server's."""
    rows = (line.split() for line in content.splitlines())
    return [
        {
            "device": _plain(device),
            "mount": _plain(mount),
            "fstype": fstype,
            "options": options,
        }
        for device, mount, fstype, options, *_ in rows
        if device.startswith("/") or ":/" in device
    ]


def _plain(word: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), word)
