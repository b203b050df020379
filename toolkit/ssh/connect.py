"""A fabric connection whose every hop is checked: host keys, keys to log in with, time-outs.

Fabric by itself accepts any host key, at jump hosts too, and leaves Nagle's algorithm on, which
costs 40 ms a request. Errors name the host and are ``UnavailableError``.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

import fabric
import paramiko

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.ssh.hostkeys import HostKeyError, Key, KnownHosts
from toolkit.ssh.target import Target

KEEPALIVE_SECONDS = 15
USER_TIMEOUT_MS = 45_000  # a host that acknowledges nothing for so long is gone
AUTH_SECONDS = 30.0
NO_KEY = "No authentication methods available"  # paramiko has no class for this one

# The SSH library logs a traceback for every refused connection; we say it in one line instead.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Strict(paramiko.MissingHostKeyPolicy):  # type: ignore[misc] # the library ships no types
    """Asked for every key, because the client is told none: all judging is ``KnownHosts``'s."""

    def __init__(self, known: KnownHosts, host: str, port: int, *, accept_new: bool) -> None:
        self._known, self._host, self._port = known, host, port
        self._accept_new = accept_new

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Return if the key is the host's."""
        del client, hostname  # the name that we verify is the one that we were told to reach
        shown = Key(kind=key.get_name(), blob=key.asbytes())
        self._known.verify(self._host, self._port, shown, accept_new=self._accept_new)


def connect(target: Target) -> fabric.Connection:
    """Log in; ``UnavailableError`` (``HostKeyError`` for a wrong key) says why it cannot be."""
    for path in target.key_files:
        if not os.path.isfile(path):
            raise InvalidInputError(f"host '{target.host}': no such key file: '{path}'")
    try:
        connection = _configured(target)
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise UnavailableError(f"host '{target.host}': ssh_config: {error}") from None
    for hop in hops(connection):
        _make_strict(hop, KnownHosts.load((*target.known_hosts, *_known_files(hop))), target)
    with contextlib.ExitStack() as undo:
        undo.callback(close, connection)
        for hop in reversed(list(hops(connection))):
            _open(hop, target)
        undo.pop_all()
    connection.transport.set_keepalive(KEEPALIVE_SECONDS)
    return connection


def hops(connection: fabric.Connection) -> Iterator[fabric.Connection]:
    """The connection and the jump hosts that it goes through, nearest to the host first."""
    hop = connection
    while isinstance(hop, fabric.Connection):
        yield hop
        hop = hop.gateway


def close(connection: fabric.Connection) -> None:
    """End the connection, its jump hosts and whatever of them is half open."""
    for hop in hops(connection):
        # Not fabric's close: that does nothing for a connection that was refused half way.
        hop.client.close()
        sock = hop.connect_kwargs.get("sock")
        if sock is not None:
            sock.close()


def _configured(target: Target) -> fabric.Connection:
    # Lazy: fabric's and invoke's own configuration files could turn anything on.
    config = fabric.Config(lazy=True, runtime_ssh_path=target.ssh_config or None)
    config.load_ssh_config()
    connection = fabric.Connection(
        target.address or target.host,
        user=target.user or None,
        port=target.port or None,
        config=config,
        connect_kwargs={
            "key_filename": list(target.key_files),
            **({"password": target.password} if target.password else {}),
        },
    )
    for hop in hops(connection):
        hop.connect_timeout = target.connect_timeout
    return connection


def _make_strict(hop: fabric.Connection, known: KnownHosts, target: Target) -> None:
    name = hop.ssh_config.get("hostkeyalias", hop.host)
    kinds = [line.key.kind for line in known.keys(name, hop.port)]
    policy = Strict(known, name, hop.port, accept_new=target.accept_new)
    hop.client.set_missing_host_key_policy(policy)

    def transport(sock: Any, **options: Any) -> paramiko.Transport:
        made = paramiko.Transport(sock, **options)
        made.handshake_timeout = max(made.handshake_timeout, target.connect_timeout)
        security = made.get_security_options()
        security.key_types = preferred(tuple(security.key_types), kinds)
        return made

    only = hop.ssh_config.get("identitiesonly", "no") == "yes"
    hop.connect_kwargs = {
        **hop.connect_kwargs,
        "transport_factory": transport,
        "banner_timeout": target.connect_timeout,
        "auth_timeout": max(AUTH_SECONDS, target.connect_timeout),
        "allow_agent": not only,
        "look_for_keys": not (only or hop.connect_kwargs.get("key_filename")),
    }


def _known_files(hop: fabric.Connection) -> list[str]:
    """The files that ssh_config names; they are asked beside the usual ones, not in their place."""
    named = (hop.ssh_config.get("userknownhostsfile"), hop.ssh_config.get("globalknownhostsfile"))
    files = " ".join(text for text in named if text).split()
    return [path for path in files if path not in ("none", os.devnull)]


def preferred(offered: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """Ask first for the kinds of key that we know: any other kind would look like a change."""
    wanted = set(known)
    if "ssh-rsa" in wanted:
        wanted |= {"rsa-sha2-512", "rsa-sha2-256"}
    return tuple(sorted(offered, key=lambda kind: kind not in wanted))


class PromptSocket(socket.socket):
    """Acknowledges at once whatever it received.

    sshd leaves Nagle's algorithm on while it sets a session up: it holds its next small answer back
    until the one before is acknowledged, and a kernel that waits for data to send along does that
    40 ms later. The kernel clears the option now and then, so it is set after each read (tcp(7)).
    """

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As ``socket.recv``."""
        data = super().recv(size, flags)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data


def _socket(hop: fabric.Connection, target: Target) -> socket.socket:
    plain = socket.create_connection((hop.host, hop.port), timeout=target.connect_timeout)
    made = PromptSocket(fileno=plain.detach())
    made.settimeout(target.connect_timeout)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    return made


def _open(hop: fabric.Connection, target: Target) -> None:
    try:
        if hop.gateway is None:
            hop.connect_kwargs["sock"] = _socket(hop, target)
        hop.open()
    except HostKeyError as error:
        raise HostKeyError(f"host '{target.host}': {error.message}", hint=error.hint) from error
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise _explained(error, hop, target) from error


def _explained(error: Exception, hop: fabric.Connection, target: Target) -> UnavailableError:
    where = f"{hop.user}@{hop.host}:{hop.port}"
    no_key = str(error) == NO_KEY
    if no_key or isinstance(error, paramiko.AuthenticationException):
        why = "there is no key to log in with" if no_key else str(error)
        return UnavailableError(
            f"host '{target.host}': {where} refused the login: {why}",
            hint="name a key with ansible_ssh_private_key_file, load it into ssh-agent, or use -k",
        )
    if isinstance(error, TimeoutError):
        return UnavailableError(
            f"host '{target.host}': {where} does not answer within {target.connect_timeout:g} s"
        )
    said = getattr(error, "strerror", None) or str(error) or "it hung up"
    return UnavailableError(f"host '{target.host}': no connection to {where}: {said}")
