"""Files that a task names on the controller and that must travel to the host: where they are found.

As in Ansible, ``src: x`` of a ``copy`` means ``files/x`` beside the playbook, then ``x``; of a
``template``, ``templates/x``, then ``x``.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

MODES = frozenset({"mode", "directory_mode"})
FOLDERS = {"copy": "files", "template": "templates"}


def folder_of(module: str, *, remote: bool) -> str:
    """The folder where the module's ``src`` is looked for; ``""`` where it ships nothing."""
    return "" if remote else FOLDERS.get(module, "")


def as_taken(module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the module takes them, where Ansible is more generous than a type.

    A ``copy`` writes a mapping or a list as JSON. A mode that is a number was octal in YAML.
    """
    taken = dict(arguments)
    if module == "copy" and isinstance(taken.get("content"), dict | list):
        taken["content"] = json.dumps(taken["content"])
    for name in MODES.intersection(taken):
        if type(taken[name]) is int:
            taken[name] = f"{taken[name]:04o}"
    return taken


def candidates(base: str, folder: str, name: str) -> tuple[str, ...]:
    """Where ``name`` may lie, the first choice first."""
    if os.path.isabs(name):
        return (name,)
    return os.path.join(base, folder, name), os.path.join(base, name)


def find(base: str, folder: str, name: str) -> str | None:
    """The path of the file that ``name`` means, or ``None``."""
    return next((path for path in candidates(base, folder, name) if os.path.isfile(path)), None)


def everything(base: str, folder: str) -> Iterator[tuple[str, str]]:
    """Name and path of each file in the folder, for a name that only the host can render."""
    top = os.path.join(base, folder)
    for directory, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, top), path


def digest(content: bytes) -> str:
    """The name under which content travels."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
