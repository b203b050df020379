"""Whether a host is this very machine; how to reach another one is the SSH room's business."""

from collections.abc import Mapping
from typing import Any

from toolkit.core.errors import UnsupportedError

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_SSH_KINDS = ("ssh", "smart", "paramiko", "paramiko_ssh")


def is_local(name: str, variables: Mapping[str, Any]) -> bool:
    """Whether no connection is needed.

    As in Ansible, ``localhost`` without an address of its own is this machine. Raises
    ``UnsupportedError`` for a kind of connection that is neither SSH nor local.
    """
    kind = variables.get("ansible_connection")
    if kind is None:
        return name in _LOCAL_NAMES and "ansible_host" not in variables
    if kind != "local" and kind not in _SSH_KINDS:
        raise UnsupportedError(
            f"host '{name}': ansible_connection '{kind}' is not supported",
            hint="use ssh or local",
        )
    return bool(kind == "local")
