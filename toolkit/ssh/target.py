"""Where a host is and how to log in there, as an inventory or a person says it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One host to connect to; what is empty comes from ssh_config, then from SSH's defaults.

    ``known_hosts`` are files beside the user's and the system's. ``become`` is the user that the
    agent runs as, by sudo, which is told ``become_password`` if it asks. ``connect_timeout``
    bounds the connection, and, where it is more than they have anyway, each step after that: keys,
    login, session. ``cache_dir`` keeps the agent's bundle here, ``agent_dir`` on the host.
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
    become_password: str = field(default="", repr=False)
    install_python: bool = False
    """Whether a host without python3 may be given one by its package manager."""
    password: str = field(default="", repr=False)
    """What the host itself is told where no key opens it; no jump host ever is."""
    ssh_config: str = ""
    cache_dir: str = "~/.cache/dockyard"
    agent_dir: str = ""
