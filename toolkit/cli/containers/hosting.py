"""What ``engine serve`` does, apart from its flags: aiohttp takes a while to import."""

import asyncio
import gc
import grp
import logging
import os
import sys

from toolkit.api import sockets
from toolkit.api.pool import SharedLauncher
from toolkit.api.server import serve
from toolkit.api.service import Means, Service
from toolkit.cli.containers.opening import settings_of
from toolkit.cli.images.opening import proxy_of
from toolkit.cli.settings import load_registries
from toolkit.core.errors import InvalidInputError
from toolkit.engine.engine import Engine
from toolkit.engine.networks import Networks
from toolkit.images.store import ImageStore
from toolkit.net.sharing import SharedHelper
from toolkit.net.wires import Wires
from toolkit.runtime.client import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from toolkit.cli.verb import Call
    from toolkit.engine.database import Database
    from toolkit.engine.settings import Settings
    from toolkit.images.registry.client import Access
    from toolkit.images.registry.credentials import Credentials
    from toolkit.images.registry.endpoints import Registries
    from toolkit.net.wires import Ruleset

    Sockets = list[tuple[socket.socket, ssl.SSLContext | None]]

_GROUP = "dockyard"


def run(call: "Call") -> int:
    """Serve until somebody ends it."""
    gc.enable()  # the entry turned it off, for commands that soon end
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    settings = settings_of(call)
    own: dict[str, tuple[int, int]] = {}
    listening = _sockets(call, settings, own)
    launcher = SharedLauncher(Launcher.spawn)
    store = ImageStore(settings.data_root)
    shared = SharedHelper()

    def wires(lock: str, ruleset: "Ruleset") -> Wires:
        return Wires(lock, ruleset, take=shared.lane)

    def networks(settings: "Settings", database: "Database") -> Networks:
        return Networks(settings, database, make_wires=wires)

    def open_engine() -> Engine:
        return Engine(settings, launcher, store.resolve, networks=networks)

    def ready() -> None:
        sockets.notify(os.environ.get("NOTIFY_SOCKET", ""), "READY=1")
        for sock, _ in listening:
            print(f"serving Docker's API on {_shown(sock)}", file=sys.stderr, flush=True)

    means = Means(
        settings=settings,
        open_engine=open_engine,
        launcher=launcher,
        access=_access(load_registries()),
    )
    open_engine().close()  # a fault of the stores shows now, not at the first request
    launcher.warm()
    try:
        asyncio.run(serve(lambda: Service.open(means), listening, ready=ready))
    finally:
        shared.close()
        for path, mark in own.items():
            sockets.forget(path, mark)
    return 0


def _access(registries: "Registries") -> "Callable[[Credentials], Access]":
    """Registries as ``engine.toml`` and the environment of the server have them."""

    def access(credentials: "Credentials") -> "Access":
        from toolkit.images.registry.client import Access  # noqa: PLC0415 - few servers need it
        from toolkit.images.registry.http import Http  # noqa: PLC0415 - as above

        http = Http(proxy=lambda url: proxy_of(url, os.environ))
        return Access.of(registries, credentials, http)

    return access


def _sockets(call: "Call", settings: "Settings", own: dict[str, tuple[int, int]]) -> "Sockets":
    """Where to listen; those whose names are to be taken away at the end are noted in ``own``."""
    found: Sockets = []
    tls = sockets.context(_tls(call)) if call.text("tcp") else None
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        found += [(sock, None) for sock in sockets.inherited(int(os.environ["LISTEN_FDS"]))]
    else:
        path = os.path.abspath(call.text("socket") or f"{settings.run_root}/engine.sock")
        found.append((sockets.unix(path, _group()), None))
        own[path] = sockets.mark_of(path)
    if tls is not None:
        found.append((sockets.tcp(call.text("tcp")), tls))
    return found


def _tls(call: "Call") -> sockets.Tls:
    names = ("tls-cert", "tls-key", "tls-ca")
    missing = [f"--{name}" for name in names if not call.text(name)]
    if missing:
        raise InvalidInputError(
            f"--tcp needs {', '.join(missing)}",
            hint="whoever reaches the API is root here, so TCP is only for client certificates",
        )
    certificate, key, ca = (call.text(name) for name in names)
    return sockets.Tls(certificate=certificate, key=key, ca=ca)


def _group() -> int | None:
    """The group that may talk to the engine, if this machine has it."""
    try:
        return grp.getgrnam(_GROUP).gr_gid
    except KeyError:
        return None


def _shown(sock: "socket.socket") -> str:
    name = sock.getsockname()
    return f"unix://{name}" if isinstance(name, str) else f"tcp://{name[0]}:{name[1]}"
