"""``_ping``, ``version``, ``info``."""

import os

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.routing import Route
from toolkit.api.version import API, OLDEST, RELEASE, shown
from toolkit.engine.info import architecture, describe

_UNCACHED = {"Cache-Control": "no-cache, no-store, must-revalidate", "Pragma": "no-cache"}


async def _ping(call: Call) -> web.StreamResponse:
    headers = {**_UNCACHED, "Builder-Version": "1", "Swarm": "inactive"}
    text = "" if call.request.method == "HEAD" else "OK"
    return web.Response(text=text, headers=headers)


async def _version(call: Call) -> web.StreamResponse:
    kernel = os.uname()
    common = {"Os": "linux", "Arch": architecture(), "KernelVersion": kernel.release}
    made = {"ApiVersion": shown(API), "MinAPIVersion": shown(OLDEST), "GitCommit": ""}
    details = {**common, **made, "Experimental": "false", "BuildTime": "", "GoVersion": ""}
    del call
    return answer(
        {
            "Platform": {"Name": "Dockyard"},
            "Version": RELEASE,
            **made,
            **common,
            "GoVersion": "",
            "BuildTime": "",
            "Components": [{"Name": "Engine", "Version": RELEASE, "Details": details}],
        }
    )


async def _info(call: Call) -> web.StreamResponse:
    images = len(call.service.library.all())
    return answer(
        await call.engine(lambda engine: describe(engine, release=RELEASE, images=images))
    )


ROUTES = (
    Route("GET", "/_ping", _ping),
    Route("HEAD", "/_ping", _ping),
    Route("GET", "/version", _version),
    Route("GET", "/info", _info),
)
