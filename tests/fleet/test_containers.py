"""Containers on a host that has nothing but sshd and python3."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from support.sshd_hosts import SshHost
from toolkit.ssh.link import StreamLink

pytestmark = pytest.mark.root
Open = Callable[..., StreamLink]


def test_a_container_runs_there(link_to: Open, host: SshHost) -> None:
    # The hosts share this machine's cgroups, so the group has a name of its own.
    settings = {"cgroup_parent": f"dockyard-test-{uuid.uuid4().hex[:12]}"}
    link = link_to(host)
    config = {"image": "host", "command": ["sh", "-c", "hostname; ls /proc | grep -c '^[0-9]*$'"]}
    config["hostname"] = "inside"
    done = link.call("container.run", {"config": config, "settings": settings}).result
    assert (done["status"], done["stdout"].splitlines()[0]) == (0, "inside"), done
    assert int(done["stdout"].splitlines()[1]) < 5
    assert (host.root / "var/lib/dockyard/state.db").exists()
    groups = Path("/sys/fs/cgroup").rglob(settings["cgroup_parent"])
    assert not [group for group in groups if group.is_dir()]


def test_a_container_outlives_the_link(link_to: Open, host: SshHost) -> None:
    settings = {"cgroup_parent": f"dockyard-test-{uuid.uuid4().hex[:12]}"}
    config = {"image": "host", "command": ["sleep", "1000"]}
    with link_to(host) as link:
        name = link.call("container.create", {"config": config, "settings": settings}).result
        link.call("container.start", {"id": name, "settings": settings})
    with link_to(host) as link:
        params = {"id": name, "settings": settings}
        assert link.call("container.inspect", params).result["status"] == "running"
        done = link.call("container.exec", {**params, "argv": ["id", "-u"]}).result
        assert done["stdout"] == "0\n"
        link.call("container.remove", {**params, "force": True})
    assert not host.pids("sleep 1000")
