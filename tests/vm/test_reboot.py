"""What a playbook sets up is there after a real boot, made by the system itself."""

import json
from pathlib import Path

from support.machine import Machine
from toolkit.core.files import shipped

PLAYBOOK = Path(shipped("playbooks")) / "container-host.yml"


def test_a_container_host_after_a_reboot(vm: Machine) -> None:
    assert "failed=0" in vm.apply(PLAYBOOK).stdout
    vm.reboot()

    links = json.loads(vm.ssh("ip", "-json", "address", "show", "dev", "bridge0").stdout)
    addresses = [f"{one['local']}/{one['prefixlen']}" for one in links[0]["addr_info"]]
    assert "192.168.5.1/24" in addresses
    # The system's own network manager made it, not a left-over of ours.
    assert "bridge" in vm.ssh("networkctl", "--no-legend", "--no-pager", "list", "bridge0").stdout
    status = vm.ssh("networkctl", "--no-pager", "status", "bridge0").stdout
    assert "30-bridge0.network" in status
    assert vm.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert "br_netfilter" in vm.read("/proc/modules")
    assert vm.root("systemctl", "is-system-running").stdout == "running\n"

    again = vm.apply(PLAYBOOK).stdout
    assert "changed=0" in again, again
