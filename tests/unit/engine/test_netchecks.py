"""What may be asked of networks, and what is refused before anything is made."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine.config import Attach, ContainerConfig
from toolkit.engine.netchecks import check_network
from toolkit.net.wiring import Port

PORT = (Port(protocol="tcp", host="", outer=80, inner=80),)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"network": ""}, "the name is empty"),
        ({"network": "foo:bar"}, "'foo:bar' is no network"),
        ({"network": "container:"}, "'container:' is no network"),
        ({"network": "none", "ports": PORT}, "--publish means nothing on network 'none'"),
        ({"network": "host", "ip": "10.0.0.1"}, "--ip means nothing"),
        ({"network": "host", "ip6": "fd00::1"}, "--ip6 means nothing"),
        ({"network": "none", "links": ("db:db",)}, "--link means nothing"),
        ({"network": "none", "aliases": ("web",)}, "--network-alias means nothing"),
        ({"network": "container:x", "hostname": "web"}, "--hostname means nothing"),
        ({"network": "container:x", "dns": ("9.9.9.9",)}, "--dns means nothing"),
        ({"aliases": ("web",)}, "on network 'bridge' there are no names"),
        ({"network": "mine", "aliases": ("a b",)}, "'a b' is no name for a host"),
        ({"network": "mine", "aliases": ("a\n1.2.3.4 bank.example",)}, "is no name for a host"),
        ({"network": "mine", "aliases": ("",)}, "'' is no name for a host"),
        ({"network": "mine", "aliases": ("-x",)}, "'-x' is no name for a host"),
        ({"network": "mine", "attach": (Attach(network="b", aliases=("#",)),)}, "'#' is no name"),
        ({"hostname": "a b"}, "hostname: 'a b' is no name"),
        ({"hostname": "a\nnameserver"}, "is no name for a host"),
        ({"hostname": "a" * 65}, "is no name for a host"),
        ({"hostname": "-x"}, "hostname: '-x' is no name"),
        ({"dns_search": ("a b",)}, "dns-search: 'a b' is not one word"),
        ({"dns_search": ("",)}, "dns-search: '' is not one word"),
        ({"dns_options": ("ndots:2\nnameserver 1.2.3.4",)}, "is not one word"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        check_network(ContainerConfig(**{"network": "bridge", **asked}))


@pytest.mark.parametrize(
    "asked",
    [
        {"hostname": "web-1.example_lan"},
        {"hostname": "a" * 64, "network": "host", "dns": ("9.9.9.9",)},
        {"network": "mine", "aliases": ("web", "a.b_c-1"), "links": ("db:db",)},
        {"dns_search": (".",), "dns_options": ("ndots:2", "rotate")},
        {"network": "none", "hostname": "web"},
        {"ports": PORT, "links": ("db:db",), "mac_address": "02:00:00:00:00:01"},
    ],
)
def test_what_is_taken(asked: dict[str, Any]) -> None:
    check_network(ContainerConfig(**{"network": "bridge", **asked}))
