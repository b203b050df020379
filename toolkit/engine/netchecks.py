"""What may be asked of a network together; text only, nothing here looks at the machine."""

from toolkit.core.errors import InvalidInputError
from toolkit.engine.choices import check_aliases, check_host_name, choices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig

# What a bridge gives, by the name of its flag.
_OF_A_BRIDGE = ("ip", "ip6", "mac_address", "ports", "links", "aliases")
_OF_A_NETWORK = (*_OF_A_BRIDGE, "add_hosts", "dns", "dns_search", "dns_options", "hostname")
_FLAGS = {
    "ports": "publish",
    "add_hosts": "add-host",
    "dns_options": "dns-option",
    "mac_address": "mac-address",
    "dns_search": "dns-search",
    "links": "link",
    "aliases": "network-alias",
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
    check_aliases(choices(config))
    _check_words(config)


def _check_words(config: "ContainerConfig") -> None:
    """What is written into files as it is holds one word each."""
    if config.hostname:
        check_host_name(config.hostname, what="hostname")
    for name in ("dns_search", "dns_options"):
        for word in getattr(config, name):
            if word.split() != [word]:
                raise InvalidInputError(
                    f"{_FLAGS[name]}: '{word}' is not one word", hint="give the flag once for each"
                )
