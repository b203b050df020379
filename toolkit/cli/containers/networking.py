"""``network`` with its ``create ls inspect rm prune reload``, and ``port``."""

import sys

from toolkit.cli.containers import networked
from toolkit.cli.containers.connecting import CONNECTING
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT, FORMAT_SHORT
from toolkit.cli.templates.listing import documents, lines
from toolkit.cli.verb import Call, Flag, Verb, complain, each
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.engine.filters import parse_filters
from toolkit.engine.netshown import NETWORK_KEYS, document
from toolkit.engine.ports import shown


def _create(call: Call) -> int:
    from toolkit.engine.netadmin import NetworkConfig  # noqa: PLC0415 - port needs it not
    from toolkit.engine.netoptions import network_options  # noqa: PLC0415 - as above

    if call.text("driver", "bridge") != "bridge":
        raise InvalidInputError(
            f"driver: '{call.text('driver')}' is not built", hint="there is 'bridge'"
        )
    if call.text("ipam-driver", "default") != "default":
        raise InvalidInputError(
            f"ipam-driver: '{call.text('ipam-driver')}' is not built", hint="there is 'default'"
        )
    asked = NetworkConfig(
        name=call.args[0],
        subnets=tuple(call.many("subnet")),
        gateways=tuple(call.many("gateway")),
        ranges=tuple(call.many("ip-range")),
        internal=call.flag("internal"),
        ipv6=call.flag("ipv6"),
        labels=tuple(call.many("label")),
        **network_options(call.many("opt")),
    )
    with open_engine(call) as engine:
        print(engine.network_desk.create(asked).id)
    return 0


def _list(call: Call) -> int:
    filters = parse_filters(call.many("filter"), NETWORK_KEYS)
    with open_engine(call) as engine:
        desk = engine.network_desk
        rows = [
            networked.row(one, used=bool(engine.networks.members(one.name)))
            for one in desk.networks()
        ]
    rows = [row for row in (*rows, *networked.APART) if networked.matches(row, filters)]
    rows.sort(key=lambda row: str(row["Name"]))
    whole = call.flag("no-trunc")
    if call.flag("quiet") and not call.text("format"):
        for row in rows:
            if row["ID"]:
                print(row["ID"] if whole else str(row["ID"])[:12])
        return 0
    shortened = [row if whole else networked.shortened(row) for row in rows]
    for line in lines(networked.LAYOUT, shortened, call.text("format")):
        print(line)
    return 0


def _inspect(call: Call) -> int:
    found, failed = [], 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                found.append(document(*engine.network_desk.inspect(name)))
            except ToolkitError as error:
                failed = complain(error, status=1)
    for line in documents(found, call.text("format")):
        print(line)
    return failed


def _remove(call: Call) -> int:
    with open_engine(call) as engine:
        return each(call.args, engine.network_desk.remove)


def _prune(call: Call) -> int:
    if not call.flag("force"):
        print("WARNING! This will remove all networks that no container is on.", file=sys.stderr)
        print("Are you sure you want to continue? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return 1
    with open_engine(call) as engine:
        gone = engine.network_desk.prune()
    if gone:
        print("Deleted Networks:", *gone, sep="\n")
    return 0


def _reload(call: Call) -> int:
    with open_engine(call) as engine:
        engine.networks.reload()
    return 0


def _port(call: Call) -> int:
    name, asked = call.args[0], call.args[1] if len(call.args) > 1 else ""
    with open_engine(call) as engine:
        attached = engine.inspect(name).networks
    found = [
        (f"{port.inner}/{port.protocol}", outer)
        for one in attached
        for port in one.endpoint.ports
        for outer in shown(port)
    ]
    if not asked:
        for inner, outer in found:
            print(f"{inner} -> {outer}")
        return 0
    wanted = asked if "/" in asked else f"{asked}/tcp"
    matching = [outer for inner, outer in found if inner == wanted]
    if not matching:
        raise NotFoundError(f"no public port '{wanted}' published for {name}")
    print("\n".join(matching))
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
        Flag(names=("--subnet",), metavar="SUBNET", many=True, help="Its addresses: 10.1.0.0/24"),
        Flag(names=("--gateway",), metavar="ADDRESS", many=True, help="The host's address on it"),
        Flag(names=("--ip-range",), metavar="SUBNET", many=True, help="Give out only these"),
        Flag(names=("--ipv6",), help="Let it have IPv6, with a subnet of its own if none is given"),
        Flag(names=("--internal",), help="Let nothing in or out"),
        Flag(names=("--label",), metavar="NAME[=VALUE]", many=True, help="Note something"),
        Flag(names=("--ipam-driver",), metavar="DRIVER", help="Who gives addresses (default)"),
        Flag(names=("-o", "--opt"), metavar="NAME=VALUE", many=True, help="MTU or bridge name"),
    ),
    act=_create,
    most=1,
)
NETWORK_LS = Verb(
    name="network ls",
    usage="[FLAGS]",
    summary="List networks.",
    flags=(
        Flag(names=("-q", "--quiet"), help="Print ids only"),
        Flag(names=("-f", "--filter"), metavar="KEY=VALUE", many=True, help="List only some"),
        Flag(names=("--no-trunc",), help="Shorten nothing"),
        FORMAT,
    ),
    act=_list,
    least=0,
    most=0,
)
NETWORK_INSPECT = Verb(
    name="network inspect",
    usage="[FLAGS] NETWORK...",
    summary="Print all that is known of networks, as JSON.",
    flags=(FORMAT_SHORT,),
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
    usage="[FLAGS]",
    summary="Remove all networks that no container is on.",
    flags=(Flag(names=("-f", "--force"), help="Ask nothing"),),
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
NETWORK = (
    *CONNECTING,
    NETWORK_CREATE,
    NETWORK_INSPECT,
    NETWORK_LS,
    NETWORK_PRUNE,
    NETWORK_RELOAD,
    NETWORK_RM,
)
