"""What the machine is called, what it runs in, and what guards it."""

from typing import Any

from toolkit.facts import kernel, managers, os_release
from toolkit.facts.machine import Machine, text

_PACKAGE_MANAGERS = (
    ("apt", "/usr/bin/apt-get"),
    ("dnf5", "/usr/bin/dnf5"),
    ("dnf", "/usr/bin/dnf"),
    ("yum", "/usr/bin/yum"),
    ("zypper", "/usr/bin/zypper"),
    ("pacman", "/usr/bin/pacman"),
    ("apk", "/sbin/apk"),
)
_HYPERVISORS = (
    ("VMware", "VMware"),
    ("VirtualBox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("Xen", "xen"),
    ("QEMU", "kvm"),
    ("KVM", "kvm"),
    ("Amazon EC2", "kvm"),
    ("Google", "kvm"),
    ("Microsoft Corporation", "VirtualPC"),
)


def identity(machine: Machine) -> dict[str, Any]:
    """The kernel's and the host's names."""
    node = text(machine, "/proc/sys/kernel/hostname").strip()
    full = _full_name(machine, node)
    arch = text(machine, "/proc/sys/kernel/arch").strip()  # since Linux 6.1
    arch = arch or machine.run(("uname", "-m")).stdout.strip()
    return {
        "ansible_system": text(machine, "/proc/sys/kernel/ostype").strip() or "Linux",
        "ansible_kernel": kernel.release(machine),
        "ansible_kernel_version": text(machine, "/proc/sys/kernel/version").strip(),
        "ansible_architecture": arch,
        "ansible_machine": arch,
        "ansible_nodename": node,
        "ansible_hostname": node.partition(".")[0],
        "ansible_fqdn": full,
        "ansible_domain": full.partition(".")[2],
        "ansible_machine_id": text(machine, "/etc/machine-id").strip(),
        "ansible_cmdline": kernel.command_line(machine),
        "ansible_uptime_seconds": int(float(text(machine, "/proc/uptime").split(" ")[0] or 0)),
    }


def _full_name(machine: Machine, node: str) -> str:
    """The name with its domain, where ``/etc/hosts`` tells it: no name server is asked."""
    if "." in node:
        return node
    for line in text(machine, "/etc/hosts").splitlines():
        names = line.partition("#")[0].split()[1:]
        if node in names:
            return next((name for name in names if name.startswith(f"{node}.")), node)
    return node


def distribution(machine: Machine) -> dict[str, str]:
    """Which distribution it is."""
    found = os_release.distribution(machine)
    return {
        "ansible_distribution": found.name,
        "ansible_distribution_version": found.version,
        "ansible_distribution_major_version": found.major,
        "ansible_distribution_release": found.release,
        "ansible_os_family": found.family,
    }


def management(machine: Machine) -> dict[str, str]:
    """What manages services, packages and the network."""
    present = (name for name, path in _PACKAGE_MANAGERS if machine.files.stat(path))
    return {
        "ansible_service_mgr": managers.service_manager(machine),
        "ansible_pkg_mgr": next(present, "unknown"),
        "dockyard_network_manager": managers.network_manager(machine).value,
    }


def security(machine: Machine) -> dict[str, Any]:
    """SELinux and AppArmor."""
    enforcing = text(machine, "/sys/fs/selinux/enforce").strip()
    selinux = {"status": "disabled"}
    if enforcing:
        mode = "enforcing" if enforcing == "1" else "permissive"
        selinux = {"status": "enabled", "mode": mode}
    armed = text(machine, "/sys/module/apparmor/parameters/enabled").strip() == "Y"
    return {
        "ansible_selinux": selinux,
        "ansible_apparmor": {"status": "enabled" if armed else "disabled"},
    }


def virtualization(machine: Machine) -> dict[str, str]:
    """What it runs in: a container engine first, else the hypervisor that the firmware names."""
    kind = _container(machine) or _hypervisor(machine)
    if kind:
        return {"ansible_virtualization_type": kind, "ansible_virtualization_role": "guest"}
    host = machine.files.stat("/dev/kvm") is not None
    return {
        "ansible_virtualization_type": "kvm" if host else "NA",
        "ansible_virtualization_role": "host" if host else "NA",
    }


def _container(machine: Machine) -> str:
    if machine.files.stat("/.dockerenv"):
        return "docker"
    if machine.files.stat("/run/.containerenv"):
        return "podman"
    said = text(machine, "/run/systemd/container").strip()
    return {"": "", "systemd-nspawn": "systemd-nspawn", "lxc": "lxc"}.get(said, "container")


def _hypervisor(machine: Machine) -> str:
    firmware = " ".join(
        text(machine, f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")
    )
    for sign, kind in _HYPERVISORS:
        if sign in firmware:
            return kind
    flags = text(machine, "/proc/cpuinfo").partition("flags")[2].partition("\n")[0].split()
    return "kvm" if "hypervisor" in flags else ""
