"""Where a host is and how to log in there, as an inventory says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One host to connect to; what is empty comes from ssh_config, then from SSH's defaults.

    ``known_hosts`` are files beside the user's and the system's. ``become`` is the user that the
    agent runs as, by sudo. ``cache_dir`` keeps the agent's bundle here, ``agent_dir`` on the host.
    """

    host: str
    address: str = ""
    port: int = 0
    user: str = ""
    key_files: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    accept_new: bool = False
    connect_timeout: float = 10.0
    become: str = ""
    ssh_config: str = ""
    cache_dir: str = "~/.cache/dockyard"
    agent_dir: str = ""

    @classmethod
    def from_vars(cls, host: str, variables: Mapping[str, Any], **options: Any) -> "Target":
        """From an inventory's variables, with Ansible's names and ours; ``options`` win.

        ``ansible_host ansible_port ansible_user ansible_ssh_private_key_file ansible_become
        ansible_become_user dockyard_known_hosts dockyard_agent_dir``.
        """
        port = variables.get("ansible_port", 0)
        if isinstance(port, str) and port.isdigit():
            port = int(port)
        if not isinstance(port, int) or not 0 <= port < 65536:
            raise InvalidInputError(f"host '{host}': ansible_port: no port: {port!r}")
        become = str(variables.get("ansible_become", "")).lower() in ("true", "yes", "1", "on")
        made: dict[str, Any] = {
            "address": str(variables.get("ansible_host", "")),
            "port": port,
            "user": str(variables.get("ansible_user", variables.get("ansible_ssh_user", ""))),
            "key_files": _paths(variables.get("ansible_ssh_private_key_file")),
            "known_hosts": _paths(variables.get("dockyard_known_hosts")),
            "become": str(variables.get("ansible_become_user", "root")) if become else "",
            "agent_dir": str(variables.get("dockyard_agent_dir", "")),
        }
        return cls(host=host, **{**made, **options})


def _paths(value: object) -> tuple[str, ...]:
    if not value:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)
