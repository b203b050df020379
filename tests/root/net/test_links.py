"""Links against the kernel, with iproute2 as the second source."""

import asyncio
import json
import os
import subprocess
from typing import Any

import pytest

from support.own_network import in_own_network, ip
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from toolkit.net.links import Netlink
from toolkit.net.model import Link

pytestmark = pytest.mark.root


def shown(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ip("-j", "-d", "address", "show", "dev", name))[0]
    return found


def test_a_bridge_is_made_addressed_and_removed() -> None:
    def steps() -> tuple[dict[str, Any], Link, list[str]]:
        net = Netlink()
        net.create_bridge("br0")
        net.set_mtu("br0", 1400)
        net.set_stp("br0", on=True)
        net.add_address("br0", "192.168.5.1/24")
        net.add_address("br0", "fd00::1/64")
        net.set_up("br0")
        seen, link = shown("br0"), net.link("br0")
        net.remove_address("br0", "192.168.5.1/24")
        net.set_down("br0")
        net.delete_link("br0")
        return seen, link, [link.name for link in net.links()]

    seen, link, left = in_own_network(steps)
    assert seen["linkinfo"]["info_kind"] == link.kind == "bridge"
    assert seen["linkinfo"]["info_data"]["stp_state"] == 1
    assert seen["mtu"] == link.mtu == 1400
    assert "UP" in seen["flags"]
    assert link.up
    assert link.stp
    assert seen["addr_info"][0]["broadcast"] == "192.168.5.255"
    assert {"192.168.5.1/24", "fd00::1/64"} <= set(link.addresses)
    assert left == ["lo"]


def test_the_quick_way_and_netlink_agree() -> None:
    def steps() -> tuple[list[Link], list[Link]]:
        ip("link", "add", "br0", "type", "bridge", "stp_state", "1")
        ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        ip("link", "set", "v0", "master", "br0", "up")
        ip("tuntap", "add", "t0", "mode", "tun")
        ip("address", "add", "10.0.0.1/8", "dev", "br0")
        ip("address", "add", "10.1.0.1/32", "dev", "v1")
        ip("address", "add", "10.0.1.9/24", "dev", "br0", "label", "br0:old")
        ip("link", "set", "br0", "up")
        ip("link", "set", "lo", "up")
        net = Netlink()
        return list(net.links()), list(net.links_by_netlink())

    quick, by_netlink = in_own_network(steps)
    assert quick == by_netlink
    assert [link.kind for link in quick] == ["", "bridge", "veth", "veth", "tun"]
    assert quick[1].addresses[:2] == ("10.0.0.1/8", "10.0.1.9/24")
    assert next(link for link in quick if link.name == "v0").master == "br0"


def test_a_sys_of_another_namespace_is_not_believed() -> None:
    def steps() -> tuple[bool, list[str]]:
        ip("link", "add", "br0", "type", "bridge")
        before = Netlink().link("br0").kind == "bridge"
        subprocess.run(["umount", "/sys"], check=True)  # what is below it shows the machine's
        return before, [link.kind for link in Netlink().links() if link.name == "br0"]

    assert in_own_network(steps) == (True, ["bridge"])


def test_routes_are_read() -> None:
    def steps() -> list[tuple[str, str, str, int]]:
        ip("link", "add", "br0", "type", "bridge")
        ip("address", "add", "10.0.0.1/24", "dev", "br0")
        ip("-6", "address", "add", "fd00::1/64", "dev", "br0", "nodad")
        ip("link", "set", "br0", "up")
        ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        ip("link", "set", "v0", "master", "br0", "up")
        ip("link", "set", "v1", "up")
        ip("route", "add", "default", "via", "10.0.0.254", "metric", "5")
        ip("route", "add", "unreachable", "10.9.0.0/16")
        ip("-6", "route", "add", "default", "via", "fd00::254", "metric", "7")
        return [(r.to, r.link, r.via, r.metric) for r in Netlink().routes()]

    routes = in_own_network(steps)
    assert ("0.0.0.0/0", "br0", "10.0.0.254", 5) in routes
    assert ("10.0.0.0/24", "br0", "", 0) in routes
    assert ("::/0", "br0", "fd00::254", 7) in routes
    assert ("fd00::/64", "br0", "", 256) in routes
    assert not [to for to, *_ in routes if to.startswith(("10.9.", "ff", "fd00::1/"))]


def test_a_veth_pair_joins_two_namespaces() -> None:
    def steps() -> tuple[str, str]:
        sleeper = subprocess.Popen(["unshare", "-n", "sleep", "60"])
        try:
            while os.readlink(f"/proc/{sleeper.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                pass
            with Netlink() as net:
                net.create_veth("v0", "v1")
                net.create_bridge("br0")
                net.set_master("v0", "br0")
                net.move_to_namespace("v1", sleeper.pid)
                master = net.link("v0").master
            inside = ["nsenter", "-t", str(sleeper.pid), "-n", "ip", "-o", "link", "show", "v1"]
            return master, subprocess.run(inside, check=True, capture_output=True, text=True).stdout
        finally:
            sleeper.kill()
            sleeper.wait()

    master, inside = in_own_network(steps)
    assert master == "br0"
    assert "v1@" in inside


def test_errors_name_the_link_and_say_what_to_do() -> None:
    def missing() -> None:
        Netlink().set_up("nope")

    def there() -> None:
        Netlink().create_bridge("br0")
        Netlink().create_bridge("br0")

    def no_address() -> None:
        Netlink().create_bridge("br0")
        Netlink().remove_address("br0", "10.0.0.1/24")

    def bad_address() -> None:
        Netlink().create_bridge("br0")
        Netlink().add_address("br0", "10.0.0.300/24")

    with pytest.raises(NotFoundError, match="there is no link 'nope'"):
        in_own_network(missing)
    with pytest.raises(ConflictError, match="cannot create bridge 'br0': File exists"):
        in_own_network(there)
    with pytest.raises(NotFoundError, match=r"cannot remove 10.0.0.1/24 from 'br0'"):
        in_own_network(no_address)
    with pytest.raises(InvalidInputError, match=r"'10.0.0.300/24' is no address"):
        in_own_network(bad_address)


def test_without_the_right_there_is_a_hint() -> None:
    def steps() -> str:
        os.setuid(65534)
        try:
            Netlink().create_bridge("br0")
        except Exception as error:  # noqa: BLE001 - its hint is what is tested
            return f"{error}: {getattr(error, 'hint', '')}"
        return "made"

    said = in_own_network(steps)
    assert said.startswith("cannot create bridge 'br0': Operation not permitted")
    assert "needs root" in said


def test_a_running_event_loop_is_refused_with_a_hint() -> None:
    async def inside() -> None:
        Netlink().create_bridge("br0")

    def steps() -> None:
        asyncio.run(inside())

    with pytest.raises(UnsupportedError, match="inside a running event loop"):
        in_own_network(steps)
