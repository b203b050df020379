"""The files that bring a bridge up again at boot, for each network manager that we write to."""

import fnmatch
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.facts import managers
from toolkit.facts.managers import NetworkManager
from toolkit.tasks import modes, paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.system_changes import ChangeUnit, UnitAction

NETWORKD = "/etc/systemd/network"
IFUPDOWN = "/etc/network/interfaces.d"
UNIT = "systemd-networkd.service"


class Persist(StrEnum):
    """Who keeps the bridge; ``auto`` is whoever manages the host's network."""

    AUTO = "auto"
    NETWORKD = "networkd"
    IFUPDOWN = "ifupdown"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A bridge as the files describe it; ``mtu`` 0 leaves it to the kernel."""

    name: str
    address: str = ""
    mtu: int = 0
    stp: bool = False


def chosen(host: Host, persist: Persist) -> Persist:
    """Who keeps the bridge on this host; ``UnsupportedError`` where nobody could."""
    if persist is not Persist.AUTO:
        return persist
    found = managers.network_manager(host)
    if found is NetworkManager.IFUPDOWN:
        return Persist.IFUPDOWN
    if found is NetworkManager.NETWORKD or managers.networkd_installed(host):
        return Persist.NETWORKD
    raise UnsupportedError(
        f"nothing on this host that dockyard can write to brings a bridge up at boot "
        f"(network manager: {found})",
        hint="install systemd-networkd or ifupdown, or set 'persist: none'",
    )


def keep(host: Host, by: Persist, wanted: Wanted) -> Iterator[Change]:
    """What it takes to have the bridge after a reboot."""
    if by is Persist.NETWORKD:
        yield from _put(host, f"{NETWORKD}/30-{wanted.name}.netdev", netdev(wanted))
        yield from _put(host, f"{NETWORKD}/30-{wanted.name}.network", network(wanted))
        yield from _enable(host)
    elif by is Persist.IFUPDOWN:
        path = f"{IFUPDOWN}/{wanted.name}"
        yield from _put(host, path, interface(wanted))
        yield from _source(host, path)


def forget(host: Host, name: str) -> Iterator[Change]:
    """What it takes not to have it after a reboot, whoever kept it."""
    for path in (
        f"{NETWORKD}/30-{name}.netdev",
        f"{NETWORKD}/30-{name}.network",
        f"{IFUPDOWN}/{name}",
    ):
        yield from paths.remove(host, path)


def netdev(wanted: Wanted) -> str:
    """The device, as systemd.netdev(5) wants it."""
    mtu = f"MTUBytes={wanted.mtu}\n" if wanted.mtu else ""
    return (
        f"# Written by dockyard.\n[NetDev]\nName={wanted.name}\nKind=bridge\n{mtu}"
        f"\n[Bridge]\nSTP={'yes' if wanted.stp else 'no'}\n"
    )


def network(wanted: Wanted) -> str:
    """Its addresses, as systemd.network(5) wants them.

    A bridge without ports has no carrier: it must be configured all the same, and boot must not
    wait for it. No container may pose as the host's router.
    """
    address = f"Address={wanted.address}\n" if wanted.address else ""
    return (
        f"# Written by dockyard.\n[Match]\nName={wanted.name}\n"
        "\n[Link]\nRequiredForOnline=no\n"
        f"\n[Network]\nConfigureWithoutCarrier=yes\nIPv6AcceptRA=no\n{address}"
    )


def interface(wanted: Wanted) -> str:
    """The same as interfaces(5) wants it; made by ``ip``, so that bridge-utils is not needed."""
    if wanted.address:
        family = "inet6" if ipaddress.ip_interface(wanted.address).version == 6 else "inet"
        lines = [f"iface {wanted.name} {family} static", f"    address {wanted.address}"]
    else:
        lines = [f"iface {wanted.name} inet manual", "    up ip link set dev $IFACE up"]
    stp = int(wanted.stp)
    lines += [
        "    pre-up ip link show dev $IFACE || ip link add name $IFACE type bridge",
        f"    pre-up ip link set dev $IFACE type bridge stp_state {stp}",
        "    pre-up echo 0 > /proc/sys/net/ipv6/conf/$IFACE/accept_ra || true",
        *([f"    pre-up ip link set dev $IFACE mtu {wanted.mtu}"] if wanted.mtu else []),
        "    post-down ip link delete dev $IFACE",
    ]
    return "".join(
        f"{line}\n" for line in ("# Written by dockyard.", f"auto {wanted.name}", *lines)
    )


def _enable(host: Host) -> Iterator[Change]:
    """Have networkd run at boot, where it does not yet."""
    signs = (*managers.NETWORKD_ENABLED, managers.NETWORKD_STATE)
    if not any(host.files.stat(path, follow=False) for path in signs):
        unit = host.services.unit(UNIT)
        if not unit.exists:
            raise UnsupportedError(
                "systemd-networkd is not installed on this host",
                hint="set 'persist: ifupdown' or 'persist: none', or install it",
            )
        if unit.enabled not in ("enabled", "static"):
            yield ChangeUnit(name=UNIT, action=UnitAction.ENABLE.value)


def _source(host: Host, path: str) -> Iterator[Change]:
    """Have ``/etc/network/interfaces`` read the file, where it does not yet."""
    content = paths.text_of(host, managers.INTERFACES)
    if not sources(content, path):
        new = content + ("" if not content or content.endswith("\n") else "\n") + f"source {path}\n"
        yield from paths.write(host, managers.INTERFACES, paths.as_bytes(new), paths.KEEP)


def sources(content: str, path: str) -> bool:
    """Does an ``interfaces`` file with this content read ``path``? By ``source`` or directory."""
    folder = path.rpartition("/")[0]
    for line in content.splitlines():
        word, _, pattern = line.strip().partition(" ")
        pattern = pattern.strip()
        full = pattern if pattern.startswith("/") else f"/etc/network/{pattern}"
        if word == "source" and fnmatch.fnmatch(path, full):
            return True
        if word == "source-directory" and full.rstrip("/") == folder:
            return "." not in path.rpartition("/")[2]  # it skips names with other characters
    return False


def _put(host: Host, path: str, content: str) -> Iterator[Change]:
    plain = paths.Ownership(owner="0", group="0", mode=None)
    yield from paths.make_directories(host, path.rpartition("/")[0], plain)
    owned = paths.Ownership(owner="0", group="0", mode=f"{modes.NEW_FILE:04o}")
    yield from paths.write(host, path, content.encode(), owned)


def check_file_name(name: str) -> None:
    """Refuse a name that would change its meaning in the files above."""
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise InvalidInputError(
            f"'{name}' is no name for a bridge", hint="use letters, digits, '-', '_' and '.'"
        )
