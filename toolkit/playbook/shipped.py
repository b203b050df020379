"""Files that a task names on the controller and that must travel to the host: where they are found.

As in Ansible, ``src: x`` of a ``copy`` means ``files/x`` in the role, beside the file of tasks or
beside the playbook, then ``x`` there; of a ``template``, ``templates/x``, then ``x``.
"""

import hashlib
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

MODES = frozenset({"mode", "directory_mode"})
FOLDERS = {"copy": "files", "script": "files", "template": "templates", "unarchive": "files"}
SOURCES: dict[str, tuple[str, ...]] = {"script": ("cmd", "_raw_params")}
"""The arguments that can name the file, where it is not ``src``."""


def folder_of(module: str, *, remote: bool) -> str:
    """The folder where the module's ``src`` is looked for; ``""`` where it ships nothing."""
    return "" if remote else FOLDERS.get(module, "")


def key_of(module: str, given: Container[str]) -> str:
    """The argument that names the file, in the spelling that the task uses."""
    keys = SOURCES.get(module, ("src",))
    return next((key for key in keys if key in given), keys[0])


def file_of(module: str, text: str) -> str:
    """The name of the file in the argument: a script's arguments follow it."""
    return text.split(None, 1)[0] if module == "script" and text.strip() else text


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


def candidates(bases: Iterable[str], folder: str, name: str) -> tuple[str, ...]:
    """Where ``name`` may lie, the first choice first."""
    if os.path.isabs(name):
        return (name,)
    found = [os.path.join(base, *part, name) for base in bases for part in ((folder,), ())]
    return tuple(dict.fromkeys(found))


def find(bases: Iterable[str], folder: str, name: str) -> str | None:
    """The path of the file that ``name`` means, or ``None``."""
    return next((path for path in candidates(bases, folder, name) if os.path.isfile(path)), None)


def everything(bases: Iterable[str], folder: str) -> Iterator[tuple[str, str]]:
    """Name and path of each file in the folders, for a hint."""
    for top in (os.path.join(base, folder) for base in bases):
        for directory, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(directory, name)
                if os.path.isfile(path):
                    yield os.path.relpath(path, top), path


def digest(content: bytes) -> str:
    """The name under which content travels."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
