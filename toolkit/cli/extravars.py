"""``-e``: variables on the command line, as Ansible writes them."""

import shlex
from collections.abc import Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.secret import Decrypt, no_password
from toolkit.playbook.faults import Faults
from toolkit.playbook.loader import load_variables
from toolkit.playbook.nodes import parse


def extra_variables(given: tuple[str, ...], decrypt: Decrypt = no_password) -> dict[str, Any]:
    """``a=1 b='x y'`` (values are text), ``{"a": 1}`` or ``@FILE``; the last one wins."""
    found: dict[str, Any] = {}
    for text in given:
        found.update(_one(text, decrypt))
    return found


def _one(text: str, decrypt: Decrypt) -> Mapping[str, Any]:
    if text.startswith("@"):
        return load_variables(text[1:], decrypt)
    if text.lstrip().startswith(("{", "[")):
        faults = Faults()
        root = parse(text, "-e", faults)
        faults.check()
        if root is None or root.entries is None:
            raise InvalidInputError(f"-e '{text}': expected a mapping")
        mapping: dict[str, Any] = root.plain()
        return mapping
    return dict(_pair(word, text) for word in _words(text))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidInputError(f"-e '{text}': {str(error).lower()}") from None


def _pair(word: str, text: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise InvalidInputError(
            f"-e '{text}': expected NAME=VALUE, not '{word}'", hint="-e @FILE reads a file"
        )
    return name, value
