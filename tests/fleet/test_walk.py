"""The whole way on fresh hosts: provision, provision again, prove, take back."""

import sys
from pathlib import Path

import pytest

from support.sshd_hosts import make_hosts
from toolkit.core.files import shipped

pytestmark = pytest.mark.root
PLAYBOOK = f"{shipped('playbooks')}/container-host.yml"


def test_a_container_host_over_ssh(tmp_path: Path) -> None:
    with make_hosts(tmp_path, ("one", "two")) as hosts:
        inventory = str(hosts.inventory(tmp_path))
        env = {"DOCKYARD_CGROUP_PARENT": "dockyard-test-walk"}

        def dockyard(*words: str) -> str:
            argv = (sys.executable, "-P", "-m", "toolkit.cli.entry", *words, "-i", inventory)
            done = hosts.run(argv, env=env)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        # Nothing can be fetched from here; the packages are there already.
        apply = ("apply", PLAYBOOK, "--skip-tags", "packages")
        assert "changed=0" not in dockyard(*apply)
        assert dockyard(*apply).count("changed=0") == 2
        for host in hosts.hosts:
            assert "192.168.5.1/24" in host.run("ip", "-4", "addr", "show", "dev", "bridge0")
            assert (host.root / "etc/dockyard/engine.toml").exists()
        assert "checks hold" in dockyard("check", "-k", "NS-PID or NS-NET")
        # The first run is the one to take back: the second changed nothing.
        dockyard("undo")
        for host in hosts.hosts:
            assert "bridge0" not in host.run("ip", "-brief", "link")
            assert not (host.root / "etc/dockyard/engine.toml").exists()
