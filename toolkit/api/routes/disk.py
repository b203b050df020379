"""``system/df``: what takes how much room."""

import os
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.documents import summary
from toolkit.api.routes import images, volumes
from toolkit.api.routing import Route
from toolkit.core.errors import InvalidInputError
from toolkit.images.layers import count

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.volumes import Volume

_KINDS = ("container", "image", "volume", "build-cache")


async def _df(call: Call) -> web.StreamResponse:
    kinds = call.query.getall("type", []) or list(_KINDS)
    for kind in kinds:
        if kind not in _KINDS:
            raise InvalidInputError(f"unknown object type: {kind}")
    return answer(await call.apart(lambda engine: _look(call, engine, kinds)))


def _look(call: Call, engine: "Engine", kinds: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"BuilderSize": 0}
    if "image" in kinds:
        known = call.service.library.all()
        found["LayersSize"] = sum(
            call.service.library.layers.bytes_of(name)
            for name in {chain for image in known for chain in image.chains}
        )
        found["Images"] = [images.summary(call, image, counted=True) for image in known]
    if "container" in kinds:
        views = engine.list(all=True)
        found["Containers"] = [summary(view, engine.settings, sized=True) for view in views]
    if "volume" in kinds:
        found["Volumes"] = [_volume(one) for one in engine.volumes.select()]
    if "build-cache" in kinds:
        found["BuildCache"] = []
    return found


def _volume(volume: "Volume") -> dict[str, Any]:
    size = count(volume.path)[1] if os.path.isdir(volume.path) else 0
    return volumes.document(volume, {"RefCount": len(volume.users), "Size": size})


ROUTES = (Route("GET", "/system/df", _df),)
