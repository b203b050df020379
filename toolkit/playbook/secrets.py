"""Values that must not be shown: what came out of a vault is hidden wherever it turns up."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.core.secret import Secret

SHOWN = "********"
SHORTEST = 4  # what is shorter would hide half of every text


class Secrets:
    """The secrets of a play."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: list[str] = []
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Hide these as well, each as a whole and each line of it."""
        found = dict.fromkeys(self._texts)
        for text in texts:
            for part in (text, *text.splitlines()):
                if len(part.strip()) >= SHORTEST:
                    found[part.strip()] = None
        self._texts = sorted(found, key=len, reverse=True)

    def hide(self, value: Any) -> Any:
        """A value without any secret in its texts."""
        if not self._texts:
            return value
        if isinstance(value, str):
            for text in self._texts:
                value = value.replace(text, SHOWN)
            return value
        if isinstance(value, Mapping):
            return {key: self.hide(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(each) for each in value]
        return value

    def hide_entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        """A line of the journal: an inverse that holds a secret is left out."""
        if not self._texts:
            return entry
        hidden: dict[str, Any] = self.hide({**entry, "inverse": None})
        inverse = None if self._holds(entry["inverse"]) else entry["inverse"]
        return {**hidden, "inverse": inverse}

    def _holds(self, value: Any) -> bool:
        if isinstance(value, Mapping):
            if "base64" in value and len(value) == 1:
                data = base64.b64decode(value["base64"])
                return any(text.encode() in data for text in self._texts)
            return any(map(self._holds, value.values()))
        if isinstance(value, list | tuple):
            return any(map(self._holds, value))
        return isinstance(value, str) and any(text in value for text in self._texts)


def collect(value: Any) -> set[str]:
    """Every secret inside plain data."""
    if isinstance(value, Secret):
        return {str(value)}
    if isinstance(value, Mapping):
        return {text for each in value.values() for text in collect(each)}
    if isinstance(value, list | tuple):
        return {text for each in value for text in collect(each)}
    return set()


_DYNAMIC = frozenset({"vars", "hostvars", "varnames"})
_CONNECTION = frozenset(
    [
        "ansible_become_pass",
        "ansible_become_password",
        "ansible_password",
        "ansible_ssh_password",
        "ansible_ssh_pass",
        "ansible_sudo_pass",
    ]
)
_NAME = re.compile(r"[A-Za-z_]\w*")


def needed(variables: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The variables without those secrets that no text names, and no variable that one names.

    A play that may ask for any name gets all but the passwords of connections.
    """
    hidden = {name for name, value in variables.items() if name in _CONNECTION or collect(value)}
    if not hidden:
        return dict(variables)
    if _DYNAMIC & names:
        hidden &= _CONNECTION - names
        return {name: value for name, value in variables.items() if name not in hidden}
    texts = [json.dumps(value, default=str) for value in variables.values()]
    known = names | {name for text in texts for name in _NAME.findall(text)}
    return {name: value for name, value in variables.items() if name not in hidden - known}
