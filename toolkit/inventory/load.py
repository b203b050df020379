"""Finds out what an inventory is, reads it, and adds the variables that lie beside it."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from toolkit.core.errors import InvalidInputError, MissingInputError, ToolkitError
from toolkit.core.process import run
from toolkit.core.secret import Decrypt, Secret, is_encrypted, no_password, secret
from toolkit.core.suggest import did_you_mean
from toolkit.inventory import ini, mapping
from toolkit.inventory.builder import Builder
from toolkit.inventory.model import ALL, Inventory

_YAML_ENDS = (".yml", ".yaml", ".json")
_SKIPPED_ENDS = ("~", ".orig", ".bak", ".ini~", ".cfg", ".retry", ".pyc", ".swp")
SCRIPT_SECONDS = 60.0


def load(*paths: str, decrypt: Decrypt = no_password) -> Inventory:
    """The inventory in one or several files, folders of files, or lists such as ``a,b,``.

    ``group_vars`` and ``host_vars`` beside each file are read too. ``InvalidInputError`` names
    file and line; ``MissingInputError`` where there is none.
    """
    builder = Builder()
    folders: dict[str, None] = {}
    for path in paths:
        if "," in path:
            for name in filter(None, (part.strip() for part in path.split(","))):
                builder.host(name, ALL, {})
            continue
        folders[path if os.path.isdir(path) else os.path.dirname(path) or "."] = None
        for file in _files(path):
            _read(file, builder, decrypt)
    made = builder.made()
    group_files: dict[str, dict[str, Any]] = {}
    host_files: dict[str, dict[str, Any]] = {}
    for folder in folders:
        _add(group_files, _folder_vars(os.path.join(folder, "group_vars"), decrypt))
        _add(host_files, _folder_vars(os.path.join(folder, "host_vars"), decrypt))
    first = next((path for path in paths if "," not in path), "")
    return replace(
        made,
        group_files=group_files,
        host_files=host_files,
        folder=os.path.abspath(next(iter(folders), ".")),
        file=os.path.abspath(first) if first else "",
    )


def beside(inventory: Inventory, folder: str, decrypt: Decrypt = no_password) -> Inventory:
    """The inventory with the ``group_vars`` and ``host_vars`` of a playbook's folder."""
    groups = _folder_vars(os.path.join(folder, "group_vars"), decrypt)
    hosts = _folder_vars(os.path.join(folder, "host_vars"), decrypt)
    return replace(inventory, play_group_files=groups, play_host_files=hosts)


def _files(path: str) -> list[str]:
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        files = (os.path.join(path, name) for name in names if not name.startswith("."))
        return [file for file in files if os.path.isfile(file) and not file.endswith(_SKIPPED_ENDS)]
    if not os.path.isfile(path):
        folder = os.path.dirname(path) or "."
        names = os.listdir(folder) if os.path.isdir(folder) else []
        hint = did_you_mean(os.path.basename(path), names) or "a list of hosts ends with a comma"
        raise MissingInputError(f"there is no inventory '{path}'", hint=hint)
    return [path]


def _read(path: str, builder: Builder, decrypt: Decrypt) -> None:
    if os.access(path, os.X_OK) and not path.endswith((*_YAML_ENDS, ".toml", ".ini")):
        mapping.read_script(_output(path), path, builder)
        return
    text = _text(path, decrypt)
    if path.endswith(_YAML_ENDS):
        mapping.read(_yaml(text, path, decrypt), path, builder)
    elif path.endswith(".toml"):
        mapping.read(_toml(text, path), path, builder)
    else:
        ini.read(text, path, builder)


def _text(path: str, decrypt: Decrypt) -> str:
    """The text of a file, a ``Secret`` if it was encrypted."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return Secret(decrypt(data, path).decode()) if is_encrypted(data) else data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: cannot be read: {error}") from None


def _yaml(text: str, path: str, decrypt: Decrypt) -> Any:
    class Loader(yaml.SafeLoader):
        """A class of its own, for its own ``!vault``."""

    def opened(_: Any, node: yaml.Node) -> Secret:
        place = f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        return Secret(decrypt(str(node.value).strip().encode(), place).decode())

    Loader.add_constructor("!vault", opened)
    Loader.add_constructor("!vault-encrypted", opened)
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader with one more tag
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise InvalidInputError(f"{at}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path}: not YAML: {error}") from None


def _toml(text: str, path: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{path}: not TOML: {error}") from None


def _output(path: str) -> Any:
    """What an executable inventory prints; it must be JSON."""
    argv = (os.path.abspath(path), "--list")
    try:
        said = run(argv, timeout=SCRIPT_SECONDS).stdout
    except OSError as error:
        raise InvalidInputError(
            f"the inventory '{path}' cannot be run: {error.strerror}",
            hint=f"'chmod -x {path}' if it is no program",
        ) from None
    except ToolkitError as error:
        raise InvalidInputError(f"the inventory {error.message}", hint=error.hint) from None
    try:
        return json.loads(said)
    except ValueError as error:
        raise InvalidInputError(f"the inventory '{path}' printed no JSON: {error}") from None


def _folder_vars(folder: str, decrypt: Decrypt) -> dict[str, dict[str, Any]]:
    """``NAME``, ``NAME.yml`` or ``NAME/*.yml`` of a variables folder, by name."""
    found: dict[str, dict[str, Any]] = {}
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, entry)
        if entry.startswith(".") or entry.endswith(_SKIPPED_ENDS):
            continue
        name = entry if os.path.isdir(path) else entry.removesuffix(".yml").removesuffix(".yaml")
        name = name.removesuffix(".json")
        for file in _files(path):
            found.setdefault(name, {}).update(_variables(file, decrypt))
    return found


def _variables(path: str, decrypt: Decrypt) -> Mapping[str, Any]:
    text = _text(path, decrypt)
    data = _yaml(text, path, decrypt)
    if isinstance(text, Secret):
        data = secret(data)
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise InvalidInputError(f"{path}: expected a mapping of variables")
    return data


def _add(known: dict[str, dict[str, Any]], more: Mapping[str, Mapping[str, Any]]) -> None:
    for name, variables in more.items():
        known.setdefault(name, {}).update(variables)
