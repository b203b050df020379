"""All facts of a machine in one mapping, under Ansible's names where Ansible has them.

What containers need and Ansible does not know stands under ``dockyard_…``.
"""

from typing import Any

from toolkit.cgroup.layout import Layout
from toolkit.facts import hardware, kernel, network, process, storage, system
from toolkit.facts.machine import Machine, text


def gather(machine: Machine) -> dict[str, Any]:
    """Every fact, as plain data."""
    return {
        **system.identity(machine),
        **system.distribution(machine),
        **system.management(machine),
        **system.security(machine),
        **system.virtualization(machine),
        **hardware.memory(machine),
        **hardware.processors(machine),
        "ansible_mounts": storage.mounts(machine),
        **network.network(machine),
        "ansible_dns": network.dns(machine),
        **process.python(),
        **process.user(),
        **process.clock(),
        "dockyard_features": kernel.features(machine),
        "dockyard_cgroups": cgroups(machine),
        "gather_subset": ["all"],
        "module_setup": True,
    }


def cgroups(machine: Machine) -> dict[str, Any]:
    """The cgroup layout (``v1``, ``hybrid``, ``v2``) and the controllers that it offers."""
    layout = Layout.detect(*kernel.cgroups(machine))
    found = {name for held in layout.v1 if not held.tracks_only for name in held.controllers}
    if layout.v2:
        found |= set(text(machine, f"{layout.v2.mount}/cgroup.controllers").split())
    return {"layout": layout.kind, "controllers": sorted(found)}
