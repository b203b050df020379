"""The networks that a container asks for, the first first."""

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import replace
from toolkit.engine.config import Attach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolkit.engine.config import ContainerConfig

_OF_A_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_LONGEST = 64  # sethostname(2)


def is_apart(network: str) -> bool:
    """Whether a mode needs no bridge."""
    return network in ("none", "host") or network.startswith("container:")


def choices(config: "ContainerConfig") -> tuple[Attach, ...]:
    """What it joins; nothing for a mode without a bridge."""
    if is_apart(config.network):
        return ()
    first = Attach(
        network=config.network,
        ip=config.ip,
        ip6=config.ip6,
        mac_address=config.mac_address,
        aliases=config.aliases,
    )
    found = (*((first,) if config.network else ()), *config.attach)
    names = [one.network for one in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInputError(f"network '{name}' is asked for twice")
    return found


def check_aliases(asked: "Iterable[Attach]") -> None:
    """Refuse names that a hosts file could not hold, and those that nobody could ask for."""
    for one in asked:
        for alias in one.aliases:
            check_host_name(alias, what="network-alias")
            if one.network == "bridge" or is_apart(one.network):
                raise InvalidInputError(
                    f"network-alias: on network '{one.network}' there are no names",
                    hint="make a network of your own with 'dockyard network create'",
                )


def check_host_name(name: str, *, what: str) -> None:
    """Refuse what would be more, or less, than one name in a file that is read by line and word."""
    if not 0 < len(name) <= _LONGEST or not set(name) <= _OF_A_NAME or name[0] in "-.":
        raise InvalidInputError(
            f"{what}: '{name}' is no name for a host",
            hint=f"at most {_LONGEST} of letters, digits, - . and _",
        )


def connected(config: "ContainerConfig", choice: Attach) -> "ContainerConfig":
    """The config of a container that joins one more network."""
    if is_apart(config.network):
        raise ConflictError(
            f"a container with --network {config.network.partition(':')[0]} joins no other network"
        )
    check_aliases((choice,))
    more = replace(config, attach=(*config.attach, choice))
    choices(more)
    return more


def disconnected(config: "ContainerConfig", network: str) -> "ContainerConfig":
    """The config of a container that was taken off a network; the next is its first then."""
    found = choices(config)
    rest = tuple(one for one in found if one.network != network)
    if len(rest) == len(found):
        raise NotFoundError(f"the container is not on network '{network}'")
    first = rest[0] if rest else Attach(network="")
    return replace(
        config,
        network=first.network,
        ip=first.ip,
        ip6=first.ip6,
        mac_address=first.mac_address,
        aliases=first.aliases,
        attach=rest[1:],
    )


def parse_network(text: str) -> Attach:
    """``NAME``, or Docker's longer form: ``name=NAME,alias=A,ip=ADDRESS,mac-address=ADDRESS``."""
    if "=" not in text:
        return Attach(network=text)
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or key not in _KEYS or not value:
            raise InvalidInputError(
                f"network: '{part}' is not known",
                hint="write it as name=NETWORK,alias=NAME,ip=A,ip6=A,mac-address=A",
            )
        found.setdefault(key, []).append(value)
    if "name" not in found:
        raise InvalidInputError(f"network: '{text}' has no name=", hint="add name=NETWORK")
    single = {_KEYS[key]: values[-1] for key, values in found.items() if key != "alias"}
    return Attach(**single, aliases=tuple(found.get("alias", ())))


_KEYS = {
    "name": "network",
    "alias": "aliases",
    "ip": "ip",
    "ip6": "ip6",
    "mac-address": "mac_address",
}
