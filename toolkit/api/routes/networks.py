"""Networks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer, nothing
from toolkit.api.creating import endpoint
from toolkit.api.reading import Reader
from toolkit.api.routing import Route
from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError, UnsupportedError
from toolkit.engine.filters import check_filters
from toolkit.engine.netadmin import NetworkConfig
from toolkit.engine.netlisted import APART, apart, meets
from toolkit.engine.netoptions import network_options
from toolkit.engine.netshown import NETWORK_KEYS, document

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine

_FORBIDDEN = 403


class ForbiddenError(ToolkitError):
    """What is built in stays."""

    http_status = _FORBIDDEN


async def _list(call: Call) -> web.StreamResponse:
    filters = call.filters()
    check_filters(filters, NETWORK_KEYS)

    def look(engine: "Engine") -> list[dict[str, Any]]:
        desk = engine.network_desk
        shown = [(document(one), engine.networks.members(one.name)) for one in desk.networks()]
        shown += [(one, []) for one in APART]
        return [one for one, users in shown if meets(one, filters, used=bool(users))]

    return answer(await call.engine(look))


async def _inspect(call: Call) -> web.StreamResponse:
    name = call.args["id"]

    def look(engine: "Engine") -> dict[str, Any]:
        found = apart(name)
        return found or document(*engine.network_desk.inspect(name))

    try:
        return answer(await call.engine(look))
    except NotFoundError:
        raise _missing(name) from None


def _missing(name: str) -> NotFoundError:
    return NotFoundError(f"network {name} not found")


async def _create(call: Call) -> web.StreamResponse:
    config = network_config(await call.body())
    try:
        made = await call.engine(lambda engine: engine.network_desk.create(config))
    except ConflictError:
        raise ConflictError(f"network with name {config.name} already exists") from None
    return answer({"Id": made.id, "Warning": ""}, 201)


def network_config(data: Mapping[str, Any]) -> NetworkConfig:
    """What a body asks for."""
    body = Reader(data)
    ipam = body.part("IPAM")
    for value, fine, what in (
        (body.text("Driver"), "bridge", "the network driver"),
        (ipam.text("Driver"), "default", "the IPAM driver"),
        (body.text("Scope"), "local", "the scope"),
    ):
        if value not in ("", fine):
            raise UnsupportedError(f"{what} '{value}' is not built: there is '{fine}'")
    for key in ("ConfigOnly", "Ingress"):
        if body.flag(key):
            raise UnsupportedError(f"{key} networks are not built")
    pools = ipam.items("Config")
    for pool in pools:
        if pool.table("AuxiliaryAddresses"):
            raise UnsupportedError("auxiliary addresses of a network are not built")
    options = [f"{name}={value}" for name, value in body.table("Options").items()]
    return NetworkConfig(
        name=body.text("Name"),
        subnets=_texts(pools, "Subnet"),
        gateways=_texts(pools, "Gateway"),
        ranges=_texts(pools, "IPRange"),
        internal=body.flag("Internal"),
        ipv6=body.flag("EnableIPv6"),
        labels=body.pairs("Labels"),
        **network_options(options),
    )


def _texts(pools: list[Reader], key: str) -> tuple[str, ...]:
    return tuple(text for pool in pools if (text := pool.text(key)))


async def _remove(call: Call) -> web.StreamResponse:
    name = call.args["id"]

    def remove(engine: "Engine") -> None:
        network, members = engine.network_desk.inspect(name)
        if apart(name) or network.name == "bridge":
            raise ForbiddenError(f"{name} is a pre-defined network and cannot be removed")
        if members:
            raise ForbiddenError(
                f"error while removing network: network {network.name} has active endpoints"
            )
        engine.network_desk.remove(name)

    if apart(name):
        raise ForbiddenError(f"{name} is a pre-defined network and cannot be removed")
    try:
        await call.engine(remove)
    except NotFoundError:
        raise _missing(name) from None
    return nothing()


async def _connect(call: Call) -> web.StreamResponse:
    name, body = call.args["id"], Reader(await call.body())
    container = body.text("Container")
    choice = endpoint(name, body.table("EndpointConfig"))
    await call.engine(lambda engine: engine.network_desk.connect(name, container, choice))
    return nothing(200)


async def _disconnect(call: Call) -> web.StreamResponse:
    name, body = call.args["id"], Reader(await call.body())
    container = body.text("Container")
    await call.engine(lambda engine: engine.network_desk.disconnect(name, container))
    return nothing(200)


async def _prune(call: Call) -> web.StreamResponse:
    if call.filters():
        raise UnsupportedError("filters of 'network prune' are not built")
    gone = await call.engine(lambda engine: engine.network_desk.prune())
    return answer({"NetworksDeleted": gone or None})


ROUTES = (
    Route("GET", "/networks", _list),
    Route("POST", "/networks/create", _create),
    Route("POST", "/networks/prune", _prune),
    Route("GET", "/networks/{id}", _inspect),
    Route("DELETE", "/networks/{id}", _remove),
    Route("POST", "/networks/{id}/connect", _connect),
    Route("POST", "/networks/{id}/disconnect", _disconnect),
)
