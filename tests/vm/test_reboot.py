"""What a playbook sets up is there after a real boot, made by the system itself."""

import json
from pathlib import Path

from support.machine import Machine
from toolkit.core.files import shipped

PLAYBOOK = Path(shipped("playbooks")) / "container-host.yml"
WHERE = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}}{{end}}"
SERVE = """\
import socket
server = socket.create_server(("", 80))
while True:
    server.accept()[0].sendall(b"reached")
"""
ASK = """\
import socket, sys, time
for _ in range(300):
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), 60) as client:
            print(client.recv(100).decode())
            break
    except ConnectionRefusedError:  # it is starting
        time.sleep(0.5)
"""


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
    assert vm.root("systemctl", "is-system-running", "--wait").stdout == "running\n"

    # The first container after the boot is on the bridge, and reached over it.
    vm.root(
        "dockyard", "run", "-d", "--name", "web", "-p", "8080:80", "host", "python3", "-c", SERVE
    )
    try:
        address, gateway = vm.root("dockyard", "inspect", "-f", WHERE, "web").stdout.split()
        assert gateway == "192.168.5.1"
        for place in ((address, "80"), (gateway, "8080")):
            assert vm.ssh("python3", "-c", ASK, *place).stdout == "reached\n"
    finally:
        vm.root("dockyard", "rm", "-f", "web")

    again = vm.apply(PLAYBOOK).stdout
    assert "changed=0" in again, again
