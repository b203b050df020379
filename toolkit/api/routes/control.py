"""Containers that are there: hold them, rename them, limit them, clear them away."""

from typing import Any

from aiohttp import web

from toolkit.api.call import Call, answer, nothing
from toolkit.api.finding import inspect
from toolkit.api.reading import Reader
from toolkit.api.routing import Route
from toolkit.core.errors import InvalidInputError
from toolkit.engine import restarts, values
from toolkit.engine.control import Update
from toolkit.engine.pruning import prune

_NANO = 10**9


async def _pause(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    await call.engine(lambda engine: engine.pause(view.id))
    return nothing()


async def _unpause(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    await call.engine(lambda engine: engine.unpause(view.id))
    return nothing()


async def _rename(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    name = call.text("name")
    if not name:
        raise InvalidInputError("Neither old nor new names may be empty")
    await call.engine(lambda engine: engine.rename(view.id, name))
    return nothing()


async def _update(call: Call) -> web.StreamResponse:
    body = Reader(await call.body())
    view = await inspect(call)
    asked = update(body)
    if asked != Update():
        await call.engine(lambda engine: engine.update(view.id, asked))
    return answer({"Warnings": []})


def update(body: Reader) -> Update:
    """What a body asks to change: zero, which clients send for the rest, leaves it as it is."""
    policy = body.part("RestartPolicy")
    restart = None
    if policy.text("Name"):
        restart, _ = restarts.parse_policy(policy.text("Name"))  # empty for "no"
    quota, period = body.number("CpuQuota"), body.number("CpuPeriod")
    if nano := body.number("NanoCpus"):
        quota, period = nano * values.CPU_PERIOD // _NANO, values.CPU_PERIOD
    return Update(
        memory=body.number("Memory") or None,
        memory_swap=body.number("MemorySwap") or None,
        memory_reservation=body.number("MemoryReservation") or None,
        cpu_quota=quota or None,
        cpu_period=period or None,
        cpu_shares=body.number("CpuShares") or None,
        cpuset_cpus=body.text("CpusetCpus") or None,
        cpuset_mems=body.text("CpusetMems") or None,
        pids_limit=body.number("PidsLimit") or None,
        blkio_weight=body.number("BlkioWeight") or None,
        restart=restart,
        restart_retries=None if restart is None else policy.number("MaximumRetryCount"),
    )


async def _prune(call: Call) -> web.StreamResponse:
    filters = call.filters()
    gone, freed = await call.apart(lambda engine: prune(engine, filters))
    for container in gone:
        call.service.tracker.removed(container)
    found: dict[str, Any] = {"ContainersDeleted": gone or None, "SpaceReclaimed": freed}
    return answer(found)


ROUTES = (
    Route("POST", "/containers/{id}/pause", _pause),
    Route("POST", "/containers/{id}/unpause", _unpause),
    Route("POST", "/containers/{id}/rename", _rename),
    Route("POST", "/containers/{id}/update", _update),
    Route("POST", "/containers/prune", _prune),
)
