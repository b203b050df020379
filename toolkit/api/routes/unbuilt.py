"""Endpoints of Docker's API that are known and not built: each answers 501 and says so."""

from typing import TYPE_CHECKING

from toolkit.api.routing import Route
from toolkit.core.errors import UnsupportedError

if TYPE_CHECKING:
    from aiohttp import web

    from toolkit.api.call import Call

# Method, path, what it would do.
PATHS = (
    ("GET", "/swarm", "swarms"),
    ("POST", "/swarm/{verb}", "swarms"),
    ("GET", "/swarm/{verb}", "swarms"),
    ("GET", "/nodes", "swarms"),
    ("GET", "/nodes/{id}", "swarms"),
    ("GET", "/services", "swarms"),
    ("POST", "/services/create", "swarms"),
    ("GET", "/services/{id}", "swarms"),
    ("GET", "/tasks", "swarms"),
    ("GET", "/secrets", "swarms"),
    ("POST", "/secrets/create", "swarms"),
    ("GET", "/configs", "swarms"),
    ("POST", "/configs/create", "swarms"),
    ("GET", "/plugins", "plugins"),
    ("POST", "/plugins/{verb*}", "plugins"),
    ("GET", "/plugins/{verb*}", "plugins"),
    ("POST", "/session", "BuildKit sessions"),
    ("POST", "/grpc", "BuildKit sessions"),
)


async def _refuse(call: "Call") -> "web.StreamResponse":
    path = call.request.path.split("/")
    word = next((part for part in path if part in _WORDS), "")
    raise UnsupportedError(f"{_WORDS.get(word, 'this endpoint')}: not built in this engine")


_WORDS = {path.split("/")[1]: what for _, path, what in PATHS}
UNBUILT = tuple(Route(method, path, _refuse) for method, path, _ in PATHS)
