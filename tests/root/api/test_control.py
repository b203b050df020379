"""The real ``docker`` command: control, volumes, networks, events, what is not built."""

import json
import time

import pytest

from support.api import Docker

pytestmark = pytest.mark.root
LONG = ("host", "sleep", "1000")


def test_a_container_is_held_renamed_limited_and_looked_at(docker: Docker) -> None:
    docker.said("run", "-d", "--name", "web", "--network", "none", *LONG)
    docker.said("pause", "web")
    assert docker.said("ps", "--format", "{{.State}}") == "paused\n"
    assert "is already paused" in docker.refused("pause", "web")
    docker.said("unpause", "web")
    docker.said("rename", "web", "other")
    docker.said("update", "--memory", "64m", "--memory-swap", "64m", "other")
    assert docker.said("inspect", "-f", "{{.HostConfig.Memory}}", "other") == "67108864\n"
    assert "sleep 1000" in docker.said("top", "other")
    shown = json.loads(docker.said("stats", "--no-stream", "--format", "{{json .}}"))
    assert shown["Name"] == "other"
    assert shown["MemUsage"].endswith("/ 64MiB")
    assert shown["PIDs"] == "1"


def test_what_does_not_run_is_pruned(docker: Docker) -> None:
    kept = docker.said("run", "-d", "--network", "none", *LONG).strip()
    gone = docker.said("create", "--label", "a=b", "--network", "none", *LONG).strip()
    assert gone not in docker.said("container", "prune", "-f", "--filter", "label=a=c")
    assert gone in docker.said("container", "prune", "-f", "--filter", "label=a=b")
    assert docker.said("ps", "-aq", "--no-trunc") == f"{kept}\n"


def test_volumes_are_kept_shared_and_pruned(docker: Docker) -> None:
    assert docker.said("volume", "create", "--label", "a=b", "data") == "data\n"
    alone = ("run", "--rm", "--network", "none", "-v", "data:/d", "host", "sh", "-c")
    docker.said(*alone, "echo kept > /d/file")
    assert docker.said(*alone, "cat /d/file") == "kept\n"
    (shown,) = json.loads(docker.said("volume", "inspect", "data"))
    assert (shown["Name"], shown["Driver"], shown["Labels"]) == ("data", "local", {"a": "b"})
    user = docker.said("create", "--network", "none", "-v", "data:/d", "host", "true").strip()
    assert "in use" in docker.refused("volume", "rm", "data")
    docker.said("rm", user)
    assert docker.said("volume", "ls", "-q", "-f", "dangling=true") == "data\n"
    assert "data" in docker.said("volume", "prune", "-f", "--filter", "all=1")
    assert "no such volume" in docker.refused("volume", "inspect", "data")


def test_networks_are_made_joined_and_left(docker: Docker) -> None:
    docker.said("network", "create", "--subnet", "10.88.0.0/24", "--label", "a=b", "n1")
    (shown,) = json.loads(docker.said("network", "inspect", "n1"))
    assert shown["IPAM"]["Config"] == [{"Subnet": "10.88.0.0/24", "Gateway": "10.88.0.1"}]
    assert docker.said("network", "ls", "-q", "-f", "name=n1", "--no-trunc").strip() == shown["Id"]
    docker.said("run", "-d", "--name", "web", "--network", "n1", *LONG)
    assert "active endpoints" in docker.refused("network", "rm", "n1")
    docker.said("network", "create", "n2")
    docker.said("network", "connect", "--ip", "", "n2", "web")
    where = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    assert docker.said("inspect", "-f", where, "web").split() == ["n1", "n2"]
    docker.said("network", "disconnect", "n2", "web")
    assert docker.said("inspect", "-f", where, "web").split() == ["n1"]
    assert docker.said("network", "prune", "-f").split()[-1] == "n2"
    assert "network n2 not found" in docker.refused("network", "inspect", "n2")
    assert "pre-defined" in docker.refused("network", "rm", "host")
    assert docker.said("network", "inspect", "-f", "{{.Driver}}", "none") == "null\n"
    docker.said("rm", "-f", "web")
    docker.said("network", "rm", "n1")


def test_events_tell_what_was_and_what_happens(docker: Docker) -> None:
    docker.said("volume", "create", "first")
    listening = docker.begin("events", "--since", "10m", "--format", "{{.Type}} {{.Action}}")
    assert listening.stdout is not None
    assert listening.stdout.readline() == "volume create\n"
    docker.said("run", "--rm", "--network", "none", "host", "true")
    seen = [listening.stdout.readline().strip() for _ in range(4)]
    assert seen == [f"container {word}" for word in ("create", "start", "die", "destroy")]
    listening.kill()
    listening.communicate()
    soon = str(int(time.time()) + 1)  # the command sends whole seconds
    past = docker.said("events", "--since", "10m", "--until", soon, "-f", "event=die")
    assert past.count("container die") == 1


def test_what_is_not_built_says_so(docker: Docker) -> None:
    assert "swarms are not built" in docker.refused("swarm", "init")
    assert "plugins are not built" in docker.refused("plugin", "ls")
    assert "searching a registry is not built" in docker.refused("search", "busybox")
