"""``network connect``, ``disconnect``, ``link`` and ``expose``: containers and their wires."""

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.engine.config import Attach
from toolkit.net.ipv4 import dotted, parse_address


def _connect(call: Call) -> int:
    choice = Attach(
        network=call.args[0],
        ip=call.text("ip"),
        ip6=call.text("ip6"),
        mac_address=call.text("mac-address"),
        aliases=tuple(call.many("alias")),
    )
    with open_engine(call) as engine:
        engine.network_desk.connect(call.args[0], call.args[1], choice)
    return 0


def _disconnect(call: Call) -> int:
    with open_engine(call) as engine:
        engine.network_desk.disconnect(call.args[0], call.args[1])
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


def _expose(call: Call) -> int:
    with open_engine(call) as engine:
        print(engine.network_desk.expose(call.args[0]))
    return 0


CONNECT = Verb(
    name="network connect",
    usage="[FLAGS] NETWORK CONTAINER",
    summary="Put a container on one more network.",
    flags=(
        Flag(names=("--ip",), metavar="ADDRESS", help="Its address there"),
        Flag(names=("--ip6",), metavar="ADDRESS", help="Its IPv6 address there"),
        Flag(names=("--mac-address",), metavar="ADDRESS", help="Its hardware address there"),
        Flag(names=("--alias",), metavar="NAME", many=True, help="One more name there"),
    ),
    act=_connect,
    least=2,
    most=2,
)
DISCONNECT = Verb(
    name="network disconnect",
    usage="[FLAGS] NETWORK CONTAINER",
    summary="Take a container off a network.",
    flags=(Flag(names=("-f", "--force"), help="Nothing holds it back in any case"),),
    act=_disconnect,
    least=2,
    most=2,
)
LINK = Verb(
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
EXPOSE = Verb(
    name="network expose",
    usage="CONTAINER",
    summary="Name a running container's network for 'ip netns'.",
    flags=(),
    act=_expose,
    most=1,
)
CONNECTING = (CONNECT, DISCONNECT, EXPOSE, LINK)
