"""How to reach a host, from its ``ansible_*`` variables; plain data, since SSH is another room."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import InvalidInputError, UnsupportedError

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_SSH_KINDS = ("ssh", "smart", "paramiko", "paramiko_ssh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Where a host is; ``None`` leaves a value to the operator's SSH configuration."""

    name: str
    address: str
    local: bool = False
    port: int | None = None
    user: str | None = None
    key_file: str | None = None


def connection(name: str, variables: Mapping[str, Any]) -> Connection:
    """The connection of a host; ``InvalidInputError`` for a value that cannot be meant.

    As in Ansible, a host that is called ``localhost`` and has no other address is this machine.
    """
    key = variables.get("ansible_ssh_private_key_file", variables.get("ansible_private_key_file"))
    user = variables.get("ansible_user", variables.get("ansible_ssh_user"))
    return Connection(
        name=name,
        address=str(variables.get("ansible_host", name)),
        local=_is_local(name, variables),
        port=_port(name, variables.get("ansible_port", variables.get("ansible_ssh_port"))),
        user=None if user is None else str(user),
        key_file=None if key is None else os.path.expanduser(str(key)),
    )


def _is_local(name: str, variables: Mapping[str, Any]) -> bool:
    kind = variables.get("ansible_connection")
    if kind is None:
        return name in _LOCAL_NAMES and "ansible_host" not in variables
    if kind != "local" and kind not in _SSH_KINDS:
        raise UnsupportedError(
            f"host '{name}': ansible_connection '{kind}' is not supported",
            hint="use ssh or local",
        )
    return bool(kind == "local")


def _port(name: str, value: object) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise InvalidInputError(f"host '{name}': ansible_port '{value}' is no port")
    return int(text)
