"""Filters of addresses and networks."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.scope import Scope


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'192.168.5.7/24' | ipaddr", "192.168.5.7/24"),
        ("'192.168.5.7' | ipaddr", "192.168.5.7"),
        ("'nonsense' | ipaddr", False),
        ("'192.168.5.7/24' | ipaddr('address')", "192.168.5.7"),
        ("'192.168.5.7/24' | ipaddr('network')", "192.168.5.0"),
        ("'192.168.5.7/24' | ipaddr('subnet')", "192.168.5.0/24"),
        ("'192.168.5.7/24' | ipaddr('netmask')", "255.255.255.0"),
        ("'192.168.5.7/24' | ipaddr('prefix')", 24),
        ("'192.168.5.7/24' | ipaddr('broadcast')", "192.168.5.255"),
        ("'192.168.5.0/24' | ansible.utils.ipaddr('1')", "192.168.5.1/24"),
        ("'192.168.5.0/24' | ipaddr('last_usable')", "192.168.5.254"),
        ("'192.168.5.7' | ipaddr('192.168.0.0/16')", "192.168.5.7"),
        ("'10.0.0.1' | ipaddr('192.168.0.0/16')", False),
        ("['10.0.0.1', 'x', '::1'] | ipaddr", ["10.0.0.1", "::1"]),
        ("['10.0.0.1', '::1'] | ipv6", ["::1"]),
        ("['10.0.0.1', '::1'] | ipv4", ["10.0.0.1"]),
        ("'10.0.0.1' | ipaddr('private')", "10.0.0.1"),
        ("'10.0.0.1' | ipaddr('public')", False),
        ("'10.0.0.1' | ipaddr('revdns')", "1.0.0.10.in-addr.arpa."),
        ("'10.0.0.0/8' | nthhost(305)", "10.0.1.49"),
        ("'10.0.0.0/30' | nthhost(9)", False),
        ("'10.0.0.0/30' | ipaddr(9)", False),
        ("'192.168.0.0/16' | ipsubnet(20, 0)", "192.168.0.0/20"),
        ("'192.168.0.0/16' | ipsubnet(20)", "16"),
        ("'192.168.0.9/16' | ipsubnet", "192.168.0.0/16"),
        ("'fe80::1' | ipwrap", "[fe80::1]"),
        ("'host' | ipwrap", "host"),
        ("'10.0.0.255' | ipmath(1)", "10.0.1.0"),
    ],
)
def test_addresses(expression: str, value: Any) -> None:
    scope = Scope(written={}, extra={}, magic={}, facts=dict)
    assert scope.render("{{ " + expression + " }}") == value


def test_an_unknown_question_is_refused() -> None:
    scope = Scope(written={}, extra={}, magic={}, facts=dict)
    with pytest.raises(InvalidInputError, match="ipaddr knows no 'nope'"):
        scope.render("{{ '10.0.0.1' | ipaddr('nope') }}")
