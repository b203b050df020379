"""Who manages services and the network on a machine; read from files, no program is asked."""

from enum import StrEnum

from toolkit.facts.machine import Machine, text

SYSTEMD_RUNS = "/run/systemd/system"  # sd_booted(3)
INTERFACES = "/etc/network/interfaces"
NETWORKD_ENABLED = (
    "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
    "/etc/systemd/system/dbus-org.freedesktop.network1.service",
)
NETWORKD_STATE = "/run/systemd/netif/state"  # the running networkd writes it
NETWORKD_UNITS = (
    "/usr/lib/systemd/system/systemd-networkd.service",
    "/lib/systemd/system/systemd-networkd.service",
)


class NetworkManager(StrEnum):
    """What brings links up at boot."""

    NETWORKD = "networkd"
    IFUPDOWN = "ifupdown"
    NETWORK_MANAGER = "NetworkManager"
    NONE = "none"


def service_manager(machine: Machine) -> str:
    """The name of process 1, as Ansible's ``ansible_service_mgr``: ``systemd``, ``sysvinit``, …"""
    if machine.files.stat(SYSTEMD_RUNS):
        return "systemd"
    first = text(machine, "/proc/1/comm").strip()
    return {"init": "sysvinit", "openrc-init": "openrc", "": "unknown"}.get(first, first)


def network_manager(machine: Machine) -> NetworkManager:
    """What manages the network: networkd where it is enabled or runs, else what is installed."""
    files = machine.files
    signs = (*NETWORKD_ENABLED, NETWORKD_STATE)
    if any(files.stat(path, follow=False) for path in signs):
        return NetworkManager.NETWORKD
    if files.stat("/run/NetworkManager"):
        return NetworkManager.NETWORK_MANAGER
    if any(files.stat(path) for path in ("/usr/sbin/ifup", "/sbin/ifup")):
        return NetworkManager.IFUPDOWN
    return NetworkManager.NONE


def networkd_installed(machine: Machine) -> bool:
    """Could systemd-networkd be enabled?"""
    return any(machine.files.stat(path) for path in NETWORKD_UNITS)
