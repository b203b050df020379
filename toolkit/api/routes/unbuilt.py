"""Endpoints of Docker's API that are known and not built: each answers 501 and says so."""

from typing import TYPE_CHECKING

from toolkit.api.routing import Route
from toolkit.core.errors import UnsupportedError

if TYPE_CHECKING:
    from aiohttp import web

    from toolkit.api.call import Call
    from toolkit.api.routing import Handler

_SWARM = "swarms are not built: this engine is one machine's"
_PLUGINS = "plugins are not built: volumes, networks and logs have the drivers that 'info' names"
_SESSION = "BuildKit's sessions are not built: build with DOCKER_BUILDKIT=0"
_CHECKPOINTS = "checkpoints are not built"

# Sentence, then the methods and paths that it answers.
_KNOWN = {
    _SWARM: (
        "GET /swarm",
        "POST /swarm/{verb}",
        "GET /swarm/unlockkey",
        "GET /nodes",
        "GET /nodes/{id}",
        "DELETE /nodes/{id}",
        "POST /nodes/{id}/update",
        "GET /services",
        "POST /services/create",
        "GET /services/{id}",
        "DELETE /services/{id}",
        "POST /services/{id}/update",
        "GET /services/{id}/logs",
        "GET /tasks",
        "GET /tasks/{id}",
        "GET /tasks/{id}/logs",
        "GET /secrets",
        "POST /secrets/create",
        "GET /secrets/{id}",
        "DELETE /secrets/{id}",
        "POST /secrets/{id}/update",
        "GET /configs",
        "POST /configs/create",
        "GET /configs/{id}",
        "DELETE /configs/{id}",
        "POST /configs/{id}/update",
        "PUT /volumes/{name}",
    ),
    _PLUGINS: (
        "GET /plugins",
        "GET /plugins/privileges",
        "POST /plugins/pull",
        "POST /plugins/create",
        "GET /plugins/{name*}/json",
        "DELETE /plugins/{name*}",
        "POST /plugins/{name*}/enable",
        "POST /plugins/{name*}/disable",
        "POST /plugins/{name*}/upgrade",
        "POST /plugins/{name*}/push",
        "POST /plugins/{name*}/set",
    ),
    _SESSION: ("POST /session", "POST /grpc"),
    _CHECKPOINTS: (
        "GET /containers/{id}/checkpoints",
        "POST /containers/{id}/checkpoints",
        "DELETE /containers/{id}/checkpoints/{name}",
    ),
}


def _refusing(sentence: str) -> "Handler":
    async def refuse(call: "Call") -> "web.StreamResponse":
        del call
        raise UnsupportedError(sentence)

    return refuse


UNBUILT = tuple(
    Route(method, path, _refusing(sentence))
    for sentence, places in _KNOWN.items()
    for method, path in (place.split(" ") for place in places)
)
