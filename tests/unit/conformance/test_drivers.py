import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.fake_checks import FakeLink
from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.drivers import embedded, oci, podman
from toolkit.conformance.drivers.base import Driver, Workshop, with_swap
from toolkit.conformance.drivers.choice import open_driver, parse
from toolkit.conformance.machine import BoxError, Machine
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

ALL = BoxSpec(
    memory=64 << 20,
    pids=64,
    cpus=0.5,
    cpuset="0",
    user=1000,
    cap_add=("NET_ADMIN",),
    cap_drop=("KILL",),
    hostname="box",
    no_new_privileges=True,
    read_only=True,
)
SETS = ("bounding", "effective", "permitted", "ambient")


def specification() -> dict[str, Any]:
    held = ["CAP_AUDIT_WRITE", "CAP_KILL"]
    return {
        "process": {"terminal": True, "capabilities": {name: list(held) for name in SETS}},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc"}],
        "linux": {"resources": {}, "namespaces": []},
    }


def driver(name: str, link: FakeLink, host: HostDoc) -> Driver:
    shop = Workshop(machine=Machine("web1", link), host=host, session="session-0")
    return open_driver(parse(name), shop)


@pytest.mark.parametrize(
    ("name", "kind", "program", "profile"),
    [
        ("embedded", "embedded", "embedded", "embedded"),
        ("podman", "podman", "podman", "podman"),
        ("nerdctl", "nerdctl", "nerdctl", "nerdctl"),
        ("oci:/usr/sbin/runc", "oci", "/usr/sbin/runc", "runc-spec"),
        ("oci:/usr/bin/crun@docker", "oci", "/usr/bin/crun", "docker"),
    ],
)
def test_a_runtime_has_a_driver_and_a_profile(
    name: str, kind: str, program: str, profile: str
) -> None:
    choice = parse(name)
    assert (choice.kind, choice.program, choice.profile) == (kind, program, profile)
    assert "@" not in choice.name


@pytest.mark.parametrize("name", ["podmn", "oci", "oci:runc", "podman:/usr/bin/podman", ""])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        parse(name)


def test_the_runtimes_own_specification_is_changed_no_more_than_asked() -> None:
    config = oci.configure(specification(), BoxSpec(), ("true",))
    assert config["process"]["args"] == ["true"]
    assert config["process"]["terminal"] is False
    assert config["process"]["capabilities"] == specification()["process"]["capabilities"]
    assert config["linux"] == specification()["linux"]
    assert [mount["destination"] for mount in config["mounts"]] == ["/usr", "/proc"]


def test_everything_that_can_be_asked_of_an_oci_runtime() -> None:
    config = oci.configure(specification(), ALL, ("true",))
    resources, process = config["linux"]["resources"], config["process"]
    assert resources["memory"] == {"limit": 64 << 20}
    assert resources["pids"] == {"limit": 64}
    assert resources["cpu"] == {"quota": 50_000, "period": 100_000, "cpus": "0"}
    assert process["user"] == {"uid": 1000, "gid": 1000}
    assert process["noNewPrivileges"] is True
    assert process["capabilities"]["bounding"] == ["CAP_AUDIT_WRITE", "CAP_NET_ADMIN"]
    assert process["capabilities"]["ambient"] == []
    assert config["hostname"] == "box"
    assert config["root"]["readonly"] is True


def test_swap_does_not_widen_a_limit(documents: dict[str, Any]) -> None:
    counted = HostDoc({**documents["host"], "swaps": 1, "memsw": True})
    uncounted = HostDoc({**documents["host"], "swaps": 1, "memsw": False})
    assert with_swap(ALL, counted) == ALL.memory
    assert with_swap(ALL, uncounted) == 0
    config = oci.configure(specification(), ALL, ("true",), swap=5)
    assert config["linux"]["resources"]["memory"] == {"limit": 64 << 20, "swap": 5}
    assert embedded.configure(ALL, ("true",), 5)["memory_swap"] == 5
    assert "--memory-swap" in podman.options(ALL, 5)


def test_all_capabilities_can_be_dropped() -> None:
    config = oci.configure(specification(), BoxSpec(cap_drop=("ALL",)), ("true",))
    assert set(map(tuple, config["process"]["capabilities"].values())) == {()}


def test_the_base_specification_stays_as_it_was() -> None:
    base = specification()
    oci.configure(base, ALL, ("true",))
    assert base == specification()


def test_flags_for_an_engine() -> None:
    words = podman.options(ALL)
    assert words[:2] == ("--network", "none")
    assert words[words.index("--user") + 1] == "1000:1000"
    assert words[words.index("--cpus") + 1] == "0.5"
    assert "--read-only" in words
    assert podman.options(BoxSpec()) == ("--network", "none")


def test_words_for_the_embedded_runtime() -> None:
    config = embedded.configure(ALL, ("true",))
    assert (config["cpu_quota"], config["cpu_period"]) == (50_000, 100_000)
    assert config["user"] == "1000:1000"
    assert config["image"] == "host"
    assert "user" not in embedded.configure(BoxSpec(), ("true",))


def test_a_runtime_without_a_specification_says_so_for_each_container(
    link: FakeLink, host: HostDoc
) -> None:
    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        failed = {"status": 127, "stdout": "", "stderr": "sh: 1: /nosuch: not found\n"}
        return failed if " spec " in str(params["argv"]) else _ran("")

    link.answers["run"] = answer
    missing = driver("oci:/nosuch", link, host)
    for _ in range(2):
        with pytest.raises(BoxError, match=r"oci:/nosuch writes no specification: .*not found"):
            missing.start(BoxSpec(), ("true",))


def test_an_oci_runtime_is_started_from_a_bundle(link: FakeLink, host: HostDoc) -> None:
    def answer(params: Mapping[str, Any]) -> str:
        script = params["argv"][2]
        return json.dumps(specification()) if "spec" in script else "4711"

    link.answers["run"] = lambda params: _ran(answer(params))
    runc = driver("oci:/usr/sbin/runc", link, host)
    started = runc.start(BoxSpec(hostname="a"), ("true",))
    assert (started.id, started.pid) == ("session-0-1", 4711)
    written = json.loads(link.calls[-1][1]["stdin"])
    assert written["linux"]["cgroupsPath"] == "session-0-1"
    assert written["root"]["path"] == "/tmp/dockyard-x/rootfs"
    runc.close()
    assert link.calls[-1] == ("remove", {"path": "/tmp/dockyard-x"})


def test_what_a_runtime_says_is_the_error(link: FakeLink, host: HostDoc) -> None:
    link.answers["run"] = lambda params: {
        "status": 1,
        "stdout": "",
        "stderr": "time=x\nno such thing\n",
    }
    with pytest.raises(BoxError, match="no such thing"):
        driver("oci:/usr/sbin/runc", link, host).start(BoxSpec(), ("true",))


def test_the_embedded_runtime_goes_through_the_agent(link: FakeLink, host: HostDoc) -> None:
    link.answers.update({"container.create": "abc", "container.start": {"pid": 9}})
    started = driver("embedded", link, host).start(BoxSpec(hostname="h"), ("true",))
    assert (started.id, started.pid, started.hostname) == ("abc", 9, "h")
    settings = link.calls[-1][1]["settings"]
    assert settings["data_root"].startswith("/tmp/dockyard-x/")


def test_a_fault_of_the_embedded_runtime_names_it(link: FakeLink, host: HostDoc) -> None:
    link.answers["container.create"] = ConflictError("taken", hint="other")
    with pytest.raises(BoxError, match=r"embedded: container\.create: taken"):
        driver("embedded", link, host).start(BoxSpec(), ("true",))


def test_a_lost_link_is_no_fault_of_the_runtime(link: FakeLink, host: HostDoc) -> None:
    link.answers["container.create"] = UnavailableError("gone")
    with pytest.raises(UnavailableError):
        driver("embedded", link, host).start(BoxSpec(), ("true",))


def test_podman_keeps_to_storage_of_its_own(link: FakeLink, host: HostDoc) -> None:
    link.answers["run"] = lambda params: _ran(
        json.dumps([{"State": {"Pid": 5}}]) if "inspect" in params["argv"] else "f00\n"
    )
    started = driver("podman", link, host).start(BoxSpec(), ("true",))
    assert (started.id, started.pid) == ("f00", 5)
    words = next(params["argv"] for _, params in link.calls if "--detach" in params.get("argv", []))
    assert words[words.index("--root") + 1] == "/tmp/dockyard-x/storage"
    assert words[words.index("--runtime") + 1] == "/usr/sbin/runc"  # the recorded host is hybrid


def _ran(stdout: str) -> dict[str, Any]:
    return {"status": 0, "stdout": stdout, "stderr": ""}


@pytest.mark.parametrize("name", ["podman", "docker", "nerdctl"])
def test_an_engine_that_is_not_there_leaves_nothing_to_take_back(
    link: FakeLink, host: HostDoc, name: str
) -> None:
    link.answers["run"] = NotFoundError(f"'{name}' is not installed")
    engine = driver(name, link, host)
    with pytest.raises(NotFoundError):
        engine.start(BoxSpec(), ("true",))
    engine.close()
    assert [method for method, _ in link.calls] == ["run"]


def test_docker_runs_an_image_made_of_the_hosts_own_files(link: FakeLink, host: HostDoc) -> None:
    link.answers["run"] = lambda params: _ran("5" if "inspect" in params["argv"] else "f00\n")
    docker = driver("nerdctl", link, host)
    started = docker.start(BoxSpec(), ("true",))
    assert (started.id, started.pid) == ("f00", 5)
    words = next(params["argv"] for _, params in link.calls if "--detach" in params.get("argv", []))
    assert words[0] == "nerdctl"
    assert words[-4:] == ["--volume", "/usr:/usr:ro", "session-0:latest", "true"]
    docker.close()
    assert [params.get("argv", [""])[1:] for _, params in link.calls[-2:-1]] == [
        ["rmi", "--force", "session-0:latest"]
    ]
