"""The container-host playbook, for real: once, twice, checked, taken back."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from toolkit.core.files import shipped

pytestmark = pytest.mark.root

PLAYBOOK = f"{shipped('playbooks')}/container-host.yml"
WRITTEN = (
    "etc/dockyard/engine.toml",
    "etc/docker/daemon.json",
    "etc/containers/containers.conf.d/50-dockyard.conf",
    "etc/containers/networks/podman.json",
    "etc/containers/registries.conf.d/50-dockyard.conf",
    "etc/sysctl.d/60-dockyard.conf",
    "etc/modules-load.d/overlay.conf",
    "etc/systemd/system/user@.service.d/50-dockyard-delegate.conf",
)


def counts(events: list[dict[str, Any]]) -> dict[str, int]:
    done = [event for event in events if event["kind"] == "task.done" and event["item"] is None]
    return Counter(event["status"] for event in done)


def tasks(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What each task and item said, without what differs from run to run."""
    fields = ("task", "item", "status", "changes")
    return [
        tuple(json.dumps(event[field]) for field in fields)
        for event in events
        if event["kind"] == "task.done"
    ]


def test_applied_twice_it_changes_once_and_holds(box: Any) -> None:
    planned = box.events("apply", PLAYBOOK, "--check")
    assert not (box.root / WRITTEN[0]).exists()
    first = box.events("apply", PLAYBOOK)
    assert tasks(planned) == tasks(first)
    assert counts(first)["changed"] >= 6
    second = box.events("apply", PLAYBOOK)
    assert counts(second)["changed"] == 0
    assert counts(second)["failed"] == 0

    address = box.run("ip", "-br", "-4", "address", "show", "bridge0").stdout
    assert "192.168.5.1/24" in address
    assert box.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout == "1\n"
    docker = json.loads((box.root / "etc/docker/daemon.json").read_text())
    assert docker["bridge"] == "bridge0"
    podman = json.loads((box.root / "etc/containers/networks/podman.json").read_text())
    assert podman["subnets"] == [{"gateway": "192.168.5.1", "subnet": "192.168.5.0/24"}]
    assert all((box.root / path).exists() for path in WRITTEN)


def test_undo_leads_back(box: Any) -> None:
    there = [path for path in WRITTEN if (box.root / path).exists()]
    box.events("apply", PLAYBOOK)
    said = box.dockyard("undo").stdout
    assert re.search(r"run \S+: [1-9]\d* undone$", said.strip())
    assert [path for path in WRITTEN if (box.root / path).exists()] == there
    assert box.run("ip", "link", "show", "bridge0", check=False).returncode != 0


def test_its_variables_are_the_operator_s(box: Any) -> None:
    extra = (
        '{"bridge_name": "br9", "bridge_address": "10.9.0.1/24", "bridge_subnet": "10.9.0.0/24",'
        ' "storage_root": "/srv/d", "registry_mirrors": ["http://m.example.org:5000"]}'
    )
    box.events("apply", PLAYBOOK, "-e", extra)
    assert "10.9.0.1/24" in box.run("ip", "-br", "address", "show", "br9").stdout
    assert 'data_root = "/srv/d"' in (box.root / WRITTEN[0]).read_text()
    assert (box.root / "srv/d").stat().st_mode & 0o777 == 0o711
    registries = (box.root / WRITTEN[4]).read_text()
    assert 'location = "m.example.org:5000"\ninsecure = true\n' in registries


def test_tags_select(box: Any) -> None:
    events = box.events("apply", PLAYBOOK, "--tags", "kernel", "--check")
    started = [event for event in events if event["kind"] == "task.started"]
    assert [event["task"] for event in started if event["index"] >= 0] == [
        "Overlay file system",
        "Bridge netfilter",
        "Packets are forwarded between the bridge and the network",
    ]
