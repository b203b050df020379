"""``dockyard check`` on two hosts over SSH, as a person runs it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.sshd_hosts import SshdHosts

pytestmark = pytest.mark.root


def check(hosts: SshdHosts, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-P", "-m", "toolkit.cli.entry", "check", *words)
    env = {"DOCKYARD_CGROUP_PARENT": f"dockyard-test-{folder.name}"}
    return hosts.run((*argv, "--json", str(folder / "results")), env=env, timeout=110)


def results(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "results").read_text().splitlines()]


@pytest.mark.parametrize("runtime", ["embedded", "oci:/usr/sbin/runc"])
def test_both_hosts_hold(
    sshd_hosts: SshdHosts, tmp_path: Path, runtime: str, require: Callable[[str], str]
) -> None:
    if ":" in runtime:
        require("runc")
    inventory = sshd_hosts.inventory(tmp_path)
    words = ("-i", str(inventory), "--area", "A", "--runtime", runtime)
    done = check(sshd_hosts, tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(tmp_path)
    assert {one["host"] for one in found} == {host.name for host in sshd_hosts.hosts}
    assert {one["runtime"] for one in found} == {runtime}
    assert sum(one["verdict"] == "pass" for one in found) >= 10


def test_a_host_that_is_not_there_does_not_stop_the_other(
    sshd_hosts: SshdHosts, tmp_path: Path
) -> None:
    inventory = sshd_hosts.inventory(tmp_path, "gone ansible_host=10.77.1.2 ansible_port=2022")
    words = ("-i", str(inventory), "--limit", f"gone,{sshd_hosts.hosts[0].name}")
    done = check(sshd_hosts, tmp_path, *words, "-k", "NS-PID")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Connection refused" in done.stdout + done.stderr
    assert {one["host"] for one in results(tmp_path)} >= {sshd_hosts.hosts[0].name}
