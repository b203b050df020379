"""Files that a playbook reads on the controller: YAML with places, decrypted where need be."""

import glob
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.core.secret import Decrypt, Secret, is_encrypted, no_password
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.faults import Faults, Place
from toolkit.playbook.nodes import Node, parse

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
ENDS = ("", ".yml", ".yaml", ".json")


class Opener:
    """Reads each file once; faults of every file go to the same place."""

    def __init__(self, faults: Faults, decrypt: Decrypt = no_password) -> None:
        self.faults = faults
        self.decrypt = decrypt
        self._read: dict[str, Node | None] = {}

    def yaml(self, path: str) -> Node | None:
        """The document of a file; ``MissingInputError`` where there is none."""
        path = os.path.normpath(path)
        if path not in self._read:
            self._read[path] = self._parsed(path)
        return self._read[path]

    def _parsed(self, path: str) -> Node | None:
        text = self.text(path)
        if text is None:
            return None
        hidden = isinstance(text, Secret)
        return parse(text, path, self.faults, decrypt=self.decrypt, hidden=hidden)

    def text(self, path: str) -> str | None:
        """The text of a file, a ``Secret`` if it was encrypted.

        ``MissingInputError`` where there is none.
        """
        try:
            with open(path, "rb") as file:
                data = file.read()
            if is_encrypted(data):
                return Secret(self.decrypt(data, path).decode())
            return data.decode()
        except InvalidInputError as error:
            said = error.message.removeprefix(f"{path}: ")
            self.faults.add(Place(file=path), said, error.hint)
            return None
        except (FileNotFoundError, NotADirectoryError):
            raise MissingInputError(f"there is no file '{path}'", hint=neighbour(path)) from None
        except (OSError, UnicodeDecodeError) as error:
            self.faults.add(Place(file=path), f"cannot be read: {error}")
            return None


def neighbour(path: str) -> str:
    """The name in the same folder that is most like it."""
    folder = os.path.dirname(path) or "."
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return did_you_mean(os.path.basename(path), names)


def first_file(folders: Iterable[str], name: str, ends: tuple[str, ...] = ("",)) -> str | None:
    """The first file of that name in the folders; ``ends`` are added to the name in turn."""
    for folder in folders:
        for end in ends:
            path = os.path.normpath(os.path.join(folder, name + end))
            if os.path.isfile(path):
                return path
    return None


def _put(text: str, name: str, value: str) -> str:
    """The text with ``{{ name }}`` replaced."""
    return value.join(re.split(r"\{\{\s*" + re.escape(name) + r"\s*\}\}", text))


def matching(folders: Iterable[str], name: str, known: Mapping[str, Any]) -> dict[str, str]:
    """The files that a name with expressions may mean: what it would render to, and the path.

    ``known`` are names whose value is known here, such as ``role_path``.
    """
    text = name
    for word, value in known.items():
        text = _put(text, word, str(value))
    pattern = _EXPRESSION.sub("*", text)
    if "{" in pattern:
        return {}
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern))):
            key = path if os.path.isabs(pattern) else os.path.relpath(path, folder)
            if os.path.isfile(path):
                found.setdefault(key, path)
    return found
