"""What may be asked of a network together; text only, nothing here looks at the machine."""

from toolkit.core.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig

# What a bridge gives, by the name of its flag.
_OF_A_BRIDGE = ("ip", "mac_address", "ports")
_OF_A_NETWORK = (*_OF_A_BRIDGE, "add_hosts", "dns", "dns_search", "dns_options", "hostname")
_FLAGS = {
    "ports": "publish",
    "add_hosts": "add-host",
    "dns_options": "dns-option",
    "mac_address": "mac-address",
    "dns_search": "dns-search",
}


def check_network(config: "ContainerConfig") -> None:
    """Refuse what a mode cannot give, instead of ignoring it."""
    kind, colon, other = config.network.partition(":")
    if colon and (kind != "container" or not other):
        raise InvalidInputError(
            f"network: '{config.network}' is no network",
            hint="use bridge, none, host, container:NAME or the name of a network",
        )
    if not kind:
        raise InvalidInputError("network: the name is empty")
    refused: tuple[str, ...] = ()
    if kind in ("none", "host"):
        refused = _OF_A_BRIDGE
    elif colon:
        refused = _OF_A_NETWORK
    for name in refused:
        if getattr(config, name):
            raise InvalidInputError(
                f"--{_FLAGS.get(name, name)} means nothing on network '{config.network}'",
                hint="leave it out, or use --network bridge",
            )
