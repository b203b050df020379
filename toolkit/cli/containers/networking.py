"""``network`` with its ``create ls inspect rm prune link reload``, and ``port``."""

import json

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import number
from toolkit.cli.containers.tables import table
from toolkit.cli.verb import Call, Flag, Verb, complain, each
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.engine.netstore import DEFAULT
from toolkit.engine.ports import shown
from toolkit.engine.stamps import stamp
from toolkit.net.ipv4 import dotted, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.engine import Engine
    from toolkit.engine.netstore import Network

_HEAD = ("NETWORK ID", "NAME", "DRIVER", "SCOPE")


def _create(call: Call) -> int:
    from toolkit.engine.netadmin import NetworkConfig  # noqa: PLC0415 - port needs it not

    if call.text("driver", "bridge") != "bridge":
        raise InvalidInputError(
            f"driver: '{call.text('driver')}' is not built", hint="there is 'bridge'"
        )
    asked = NetworkConfig(
        name=call.args[0],
        subnet=call.text("subnet"),
        gateway=call.text("gateway"),
        internal=call.flag("internal"),
        **_options(call),
    )
    with open_engine(call) as engine:
        print(engine.create_network(asked).id)
    return 0


def _options(call: Call) -> "dict[str, Any]":
    """Docker's driver options that mean something here."""
    found: dict[str, Any] = {}
    for text in call.many("opt"):
        name, _, value = text.partition("=")
        short = name.removeprefix("com.docker.network.")
        if short in ("driver.mtu", "mtu"):
            found["mtu"] = number(Call(values={"mtu": value}, args=()), "mtu")
        elif short == "bridge.name":
            found["link"] = value
        else:
            raise InvalidInputError(
                f"opt: '{name}' is not known",
                hint="com.docker.network.driver.mtu and com.docker.network.bridge.name are",
            )
    return found


def _list(call: Call) -> int:
    with open_engine(call) as engine:
        found = _known(engine)
    if call.flag("quiet"):
        for network in found:
            print(network.id[:12])
        return 0
    rows = [(one.id[:12], one.name, "bridge", "local") for one in found]
    rows += [("-", "host", "host", "local"), ("-", "none", "null", "local")]
    print(table([_HEAD, *sorted(rows, key=lambda row: row[1])]))
    return 0


def _known(engine: "Engine") -> "list[Network]":
    """All bridges, the default one even where no container was on it yet."""
    stored = engine.networks.table.all()
    if any(one.name == DEFAULT for one in stored):
        return stored
    return [engine.networks.table.find(DEFAULT), *stored]


def _inspect(call: Call) -> int:
    found, failed = [], 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                found.append(_document(engine, engine.networks.table.find(name)))
            except ToolkitError as error:
                failed = complain(error, status=1)
    print(json.dumps(found, indent=4))
    return failed


def _document(engine: "Engine", network: "Network") -> "dict[str, Any]":
    """A network as ``docker network inspect`` shows it."""
    bridge = network.bridge
    prefix = bridge.address.prefix
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": stamp(network.created),
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv6": False,
        "IPAM": {
            "Driver": "default",
            "Config": [{"Subnet": bridge.address.subnet, "Gateway": bridge.address.address}],
        },
        "Internal": bridge.internal,
        "Containers": {
            container: {
                "Name": engine.inspect(container).name,
                "MacAddress": one.endpoint.mac,
                "IPv4Address": f"{one.endpoint.address}/{prefix}",
                "IPv6Address": "",
            }
            for container, one in engine.networks.members(network.name)
        },
        "Options": {
            "com.docker.network.bridge.name": bridge.link,
            **({"com.docker.network.driver.mtu": str(bridge.mtu)} if bridge.mtu else {}),
        },
        "Labels": {},
    }


def _remove(call: Call) -> int:
    with open_engine(call) as engine:
        return each(call.args, engine.remove_network)


def _prune(call: Call) -> int:
    with open_engine(call) as engine:
        unused = [
            one.name
            for one in engine.networks.table.all()
            if one.name != DEFAULT and not engine.networks.members(one.name)
        ]
        return each(unused, engine.remove_network)


def _reload(call: Call) -> int:
    with open_engine(call) as engine:
        engine.networks.reload()
    return 0


def _link(call: Call) -> int:
    addresses = (_single(call.text("a"), "a"), _single(call.text("b"), "b"))
    with open_engine(call) as engine:
        engine.link((call.args[0], call.args[1]), addresses)
    return 0


def _single(text: str, what: str) -> str:
    """An address without the /32 that may stand behind it."""
    address = text.removesuffix("/32")
    return dotted(parse_address(address, what=what)) if text else ""


def _port(call: Call) -> int:
    name, asked = call.args[0], call.args[1] if len(call.args) > 1 else ""
    with open_engine(call) as engine:
        attached = engine.inspect(name).networks
    ports = attached[0].endpoint.ports if attached else ()
    lines = [(f"{port.inner}/{port.protocol}", shown(port)) for port in ports]
    if not asked:
        for inner, outer in lines:
            print(f"{inner} -> {outer}")
        return 0
    wanted = asked if "/" in asked else f"{asked}/tcp"
    found = [outer for inner, outer in lines if inner == wanted]
    if not found:
        raise NotFoundError(f"no public port '{wanted}' published for {name}")
    print("\n".join(found))
    return 0


PORT = Verb(
    name="port",
    usage="CONTAINER [PORT[/PROTOCOL]]",
    summary="Print which ports of the host lead to a container.",
    flags=(),
    act=_port,
    most=2,
)
NETWORK_CREATE = Verb(
    name="network create",
    usage="[FLAGS] NETWORK",
    summary="Make a network of its own, apart from all others.",
    flags=(
        Flag(names=("-d", "--driver"), metavar="DRIVER", help="Its kind (bridge)"),
        Flag(names=("--subnet",), metavar="SUBNET", help="Its addresses, as in 10.1.0.0/24"),
        Flag(names=("--gateway",), metavar="ADDRESS", help="The host's address on it (the first)"),
        Flag(names=("--internal",), help="Let nothing in or out"),
        Flag(names=("-o", "--opt"), metavar="NAME=VALUE", many=True, help="MTU or bridge name"),
    ),
    act=_create,
    most=1,
)
NETWORK_LS = Verb(
    name="network ls",
    usage="[FLAGS]",
    summary="List networks.",
    flags=(Flag(names=("-q", "--quiet"), help="Print ids only"),),
    act=_list,
    least=0,
    most=0,
)
NETWORK_INSPECT = Verb(
    name="network inspect",
    usage="NETWORK...",
    summary="Print all that is known of networks, as JSON.",
    flags=(),
    act=_inspect,
)
NETWORK_RM = Verb(
    name="network rm",
    usage="NETWORK...",
    summary="Remove networks that no container is on.",
    flags=(),
    act=_remove,
)
NETWORK_PRUNE = Verb(
    name="network prune",
    usage="",
    summary="Remove all networks that no container is on.",
    flags=(Flag(names=("-f", "--force"), help="Nothing is asked in any case"),),
    act=_prune,
    least=0,
    most=0,
)
NETWORK_RELOAD = Verb(
    name="network reload",
    usage="",
    summary="Write the firewall's rules anew, as after a flush.",
    flags=(),
    act=_reload,
    least=0,
    most=0,
)
NETWORK_LINK = Verb(
    name="network link",
    usage="[FLAGS] CONTAINER CONTAINER",
    summary="Join two running containers by a wire of their own.",
    flags=(
        Flag(names=("--a",), metavar="ADDRESS", help="The address of the first (10.1.1.1)"),
        Flag(names=("--b",), metavar="ADDRESS", help="The address of the second (10.1.1.2)"),
    ),
    act=_link,
    least=2,
    most=2,
)
NETWORK = (
    NETWORK_CREATE,
    NETWORK_INSPECT,
    NETWORK_LINK,
    NETWORK_LS,
    NETWORK_PRUNE,
    NETWORK_RELOAD,
    NETWORK_RM,
)
