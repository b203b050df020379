"""Links by inventory: a host's name and variables in, a running agent out."""

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.core.errors import ConflictError
from toolkit.inventory.connection import connection
from toolkit.ssh.link import StreamLink, open_local, open_ssh
from toolkit.ssh.target import Target

_TRUE = ("true", "yes", "1", "on")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line says about connections; it wins over an inventory's variables.

    ``become`` is the user that agents run as, empty for what the inventory says;
    ``become_password`` is what sudo is told where the inventory has no ``ansible_become_password``.
    ``install_python`` lets a host without python3 be given one.
    ``user``, ``key`` and ``password`` are for hosts of which the inventory says nothing.
    ``local_prefix`` is put before a local agent's argv (a rehearsal's copy of the machine).
    """

    known_hosts: tuple[str, ...] = ()
    accept_new: bool = False
    connect_timeout: float = 10.0
    become: str = ""
    become_password: str = field(default="", repr=False)
    install_python: bool = False
    user: str = ""
    key: str = ""
    password: str = field(default="", repr=False)
    local_prefix: tuple[str, ...] = ()


def target(name: str, variables: Mapping[str, Any], options: Options) -> Target | None:
    """Where a host is and how to log in; ``None`` for this machine itself.

    Beside Ansible's ``ansible_*`` names: ``dockyard_known_hosts`` (a file or a list of files),
    ``dockyard_accept_new`` (write an unknown host's key down instead of refusing it) and
    ``dockyard_agent_dir`` (where the host keeps the agent's code).
    """
    place = connection(name, variables)
    if place.local:
        return None
    become = _is_true(variables.get("ansible_become"))
    user = str(variables.get("ansible_become_user", "root")) if become else ""
    return Target(
        host=name,
        address=place.address,
        port=place.port or 0,
        user=place.user or options.user,
        key_files=tuple(filter(None, (place.key_file or options.key,))),
        known_hosts=(*options.known_hosts, *_texts(variables.get("dockyard_known_hosts"))),
        accept_new=options.accept_new or _is_true(variables.get("dockyard_accept_new")),
        connect_timeout=options.connect_timeout,
        become=options.become or user,
        become_password=_told(variables, *_SUDO) or options.become_password,
        password=_told(variables, *_LOGIN) or options.password,
        install_python=options.install_python,
        agent_dir=str(variables.get("dockyard_agent_dir", "")),
    )


class Links:
    """Opens links and remembers them, so that Ctrl-C can end all of them at once."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[StreamLink] = weakref.WeakSet()
        self._stopped = False

    def open(self, name: str, variables: Mapping[str, Any]) -> StreamLink:
        """The host's agent; close it when done (it is a context manager)."""
        where = target(name, variables, self._options)
        link = open_local(self._options.local_prefix) if where is None else open_ssh(where)
        with self._lock:
            self._open.add(link)
            stopped = self._stopped
        if stopped:
            link.close()
            raise ConflictError(f"host '{name}': stopped before it was asked")
        return link

    def close(self) -> None:
        """End every agent that was started here, and those that are being started."""
        with self._lock:
            self._stopped = True
            links = list(self._open)
        for link in links:
            link.close()

    def __enter__(self) -> "Links":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_true(value: object) -> bool:
    return str(value).lower() in _TRUE


_SUDO = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
_LOGIN = ("ansible_password", "ansible_ssh_password", "ansible_ssh_pass")


def _told(variables: Mapping[str, Any], *names: str) -> str:
    """A password by the first of its names that is there; the later ones are Ansible's older."""
    return next((str(variables[name]) for name in names if variables.get(name)), "")


def _texts(value: object) -> tuple[str, ...]:
    if not value:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)
