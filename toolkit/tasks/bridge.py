"""``bridge``: a bridge exists with this address, now and after a reboot."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.facts import kernel
from toolkit.net.links import check_name
from toolkit.net.model import Link
from toolkit.tasks import persistence
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.net_changes import (
    AddAddress,
    CreateBridge,
    DeleteBridge,
    RemoveAddress,
    SetLinkUp,
    SetMtu,
    SetStp,
    refuse_ports,
)
from toolkit.tasks.persistence import Persist
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import SetSysctl

_LEAST_MTU = {4: 68, 6: 1280}  # RFC 791, RFC 8200
_DEFAULT_MTU = 1500


@task("bridge")
@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """Hold a bridge with its address, up, and kept by the host's own network manager.

    ``address`` is in CIDR notation (``192.168.5.1/24``); another address of the same family on
    the bridge is taken off. ``mtu`` is in bytes. ``persist`` says who brings it up at boot:
    ``networkd``, ``ifupdown``, ``none``, or ``auto`` for the one that manages this host.
    """

    proves: ClassVar[tuple[str, ...]] = ("HOST-BRIDGE-13",)

    name: str
    address: str | None = None
    state: Presence = Presence.PRESENT
    mtu: int | None = None
    stp: bool = False
    persist: Persist = Persist.AUTO

    def __post_init__(self) -> None:
        check_name(self.name)
        persistence.check_file_name(self.name)
        version = 4
        if self.address is not None:
            version = _interface(self.address).version
        if self.mtu is not None and not _LEAST_MTU[version] <= self.mtu <= 65535:
            raise InvalidInputError(f"no bridge can have an mtu of {self.mtu}")

    def plan(self, host: Host) -> Plan:
        """Compare the link, then the files."""
        link = _find(host, self.name)
        if link and link.kind != "bridge":
            raise ConflictError(
                f"'{self.name}' is a {link.kind or 'network card'}, not a bridge",
                hint="choose another name",
            )
        if self.state is Presence.ABSENT:
            yield from _gone(host, link)
            yield from persistence.forget(host, self.name)
            return {"name": self.name}
        by = persistence.chosen(host, self.persist)
        if self.address:
            _refuse_overlap(host, self.name, self.address)
        yield from self._live(link)
        yield from _trust_no_router(host, self.name)
        yield from persistence.keep(host, by, self._wanted())
        return self._values(by)

    def _wanted(self) -> persistence.Wanted:
        address, mtu = self.address or "", self.mtu or 0
        return persistence.Wanted(name=self.name, address=address, mtu=mtu, stp=self.stp)

    def _values(self, by: Persist) -> dict[str, Any]:
        return {"name": self.name, "address": self.address, "persist": by.value}

    def _live(self, link: Link | None) -> Iterator[Change]:
        if link is None:
            yield CreateBridge(name=self.name)
            link = Link(name=self.name, kind="bridge")
        if self.mtu is not None and link.mtu != self.mtu:
            yield SetMtu(name=self.name, new=self.mtu, old=link.mtu)
        if link.stp != self.stp:
            yield SetStp(name=self.name, on=self.stp)
        if self.address:
            yield from self._addressed(link, _interface(self.address))
        if not link.up:
            yield SetLinkUp(name=self.name)

    def _addressed(
        self, link: Link, wanted: "ipaddress.IPv4Interface | ipaddress.IPv6Interface"
    ) -> Iterator[Change]:
        held = [ipaddress.ip_interface(address) for address in link.addresses]
        for other in held:
            if other != wanted and other.version == wanted.version and not other.is_link_local:
                yield RemoveAddress(name=self.name, address=str(other))
        if wanted not in held:
            yield AddAddress(name=self.name, address=str(wanted))


def _interface(address: str) -> "ipaddress.IPv4Interface | ipaddress.IPv6Interface":
    try:
        found = ipaddress.ip_interface(address)
    except ValueError as error:
        raise InvalidInputError(
            f"'{address}' is no address: {error}", hint="write it as 192.168.5.1/24"
        ) from None
    if "/" not in address:
        raise InvalidInputError(f"'{address}' has no prefix length", hint=f"write {address}/24")
    whole = found.network.num_addresses == 1
    if not whole and found.ip == found.network.network_address:
        raise InvalidInputError(
            f"'{address}' is the network itself, no address in it",
            hint=f"for its first address write {found.ip + 1}/{found.network.prefixlen}",
        )
    return found


def _find(host: Host, name: str) -> Link | None:
    return next((link for link in host.net.links() if link.name == name), None)


def _refuse_overlap(host: Host, name: str, address: str) -> None:
    """A subnet that the host reaches by another link would become unreachable there."""
    wanted = _interface(address).network
    for route in host.net.routes():
        there = ipaddress.ip_network(route.to, strict=False)
        if route.link == name or there.prefixlen == 0 or there.version != wanted.version:
            continue
        if there.overlaps(wanted):
            raise ConflictError(
                f"{wanted} overlaps {there}, which this host reaches by '{route.link}'",
                hint="choose another subnet for the bridge",
            )


def _trust_no_router(host: Host, name: str) -> Iterator[Change]:
    """A container must not become the host's IPv6 router (CVE-2020-13401)."""
    parameter = f"net/ipv6/conf/{name}/accept_ra"
    now = kernel.sysctl(host, parameter)
    if now not in (None, "0"):
        yield SetSysctl(name=parameter, new="0", old=str(now))


def _gone(host: Host, link: Link | None) -> Iterator[Change]:
    if link is None:
        return
    refuse_ports(host, link.name)
    for address in link.addresses:
        if not ipaddress.ip_interface(address).is_link_local:
            yield RemoveAddress(name=link.name, address=address)
    if link.up:
        yield SetLinkUp(name=link.name, up=False)
    if link.stp:
        yield SetStp(name=link.name, on=False)
    if link.mtu != _DEFAULT_MTU:
        yield SetMtu(name=link.name, new=_DEFAULT_MTU, old=link.mtu)
    yield DeleteBridge(name=link.name)
