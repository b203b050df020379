"""What is refused before anything is made."""

import re
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.oci.spec import (
    IdMapping,
    Linux,
    Mount,
    Namespace,
    Process,
    Scheduler,
    Spec,
)
from toolkit.runtime.support import check_support

MOUNT = (Namespace(type="mount"),)
NOTIFY = "SCMP_ACT_NOTIFY"
KINDS = ("mount", "pid", "network", "ipc", "uts")


def spec(*kinds: str, **changes: object) -> Spec:
    listed = tuple(Namespace(type=kind) for kind in kinds or KINDS)
    linux = Linux(namespaces=listed, sysctl=changes.pop("sysctl", {}))  # type: ignore[arg-type] # texts
    return replace(Spec(linux=linux), **changes)


@pytest.mark.parametrize(
    "key",
    ["net.core.somaxconn", "kernel.shmmax", "fs.mqueue.msg_max", "kernel.hostname", "net/ipv4/x"],
)
def test_parameters_of_a_namespace_are_fine(key: str) -> None:
    check_support(spec(sysctl={key: "1"}))


@pytest.mark.parametrize(
    "key", ["kernel.panic", "vm.drop_caches", "kernel.core_pattern", "kernel/panic", "fs.file-max"]
)
def test_parameters_of_the_host_are_refused(key: str) -> None:
    with pytest.raises(InvalidInputError, match="would change the host"):
        check_support(spec(sysctl={key: "1"}))


@pytest.mark.parametrize(
    ("key", "kind"),
    [("net.core.somaxconn", "network"), ("kernel.sem", "ipc"), ("kernel.domainname", "uts")],
)
def test_parameters_of_a_shared_namespace_are_refused(key: str, kind: str) -> None:
    with pytest.raises(InvalidInputError, match=f"shares its {kind}"):
        check_support(spec("mount", sysctl={key: "1"}))


@pytest.mark.parametrize("name", ["hostname", "domainname"])
def test_the_host_is_not_renamed(name: str) -> None:
    check_support(spec(**{name: "box"}))
    with pytest.raises(InvalidInputError, match="the host would be renamed"):
        check_support(spec("mount", **{name: "box"}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"linux": Linux(seccomp={"flags": ["X"]}, namespaces=MOUNT)}, "linux.seccomp.flags[0]"),
        (
            {"linux": Linux(seccomp={"syscalls": [{"action": NOTIFY}]}, namespaces=MOUNT)},
            "linux.seccomp.listenerPath",
        ),
        ({"process": Process(cwd="/", scheduler=Scheduler(policy="x"))}, "process.scheduler"),
        ({"linux": Linux(personality={}, namespaces=MOUNT)}, "linux.personality.domain"),
        ({"linux": Linux(rootfs_propagation="x", namespaces=MOUNT)}, "linux.rootfsPropagation"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        check_support(spec(**changes))


MAP = (IdMapping(container_id=0, host_id=5, size=1),)


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (
            Mount(destination="/x", source="/s", options=("bind",), uid_mappings=MAP),
            "mounts[0].gidMappings: an id map needs both",
        ),
        (
            Mount(destination="/x", source="/s", options=("bind",), gid_mappings=MAP),
            "mounts[0].uidMappings: an id map needs both",
        ),
        (
            Mount(destination="/x", type="tmpfs", options=("idmap",)),
            "mounts[0].options: only the ids of a bind can be mapped",
        ),
    ],
)
def test_an_id_map_that_maps_nothing_is_refused(mount: Mount, said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        check_support(spec(mounts=(mount,)))


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ({"realtime": {}}, "linux.timeOffsets.realtime: expected one of monotonic, boottime"),
        ({"boottime": 5}, "linux.timeOffsets.boottime: expected an object"),
        ({"boottime": {"secs": "1"}}, "linux.timeOffsets.boottime.secs: '1' is no such number"),
        ({"monotonic": {"nanosecs": 10**9}}, "linux.timeOffsets.monotonic.nanosecs: '1000000000'"),
    ],
)
def test_clocks_that_cannot_be_set_are_refused(offsets: dict[str, object], said: str) -> None:
    whole = spec("mount", "time")
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        check_support(replace(whole, linux=replace(whole.linux, time_offsets=offsets)))


def test_clocks_are_set_in_a_namespace_of_their_own_only() -> None:
    whole = spec("mount")
    offsets = {"boottime": {"secs": 1}}
    with pytest.raises(InvalidInputError, match="only a time namespace that is made can be set"):
        check_support(replace(whole, linux=replace(whole.linux, time_offsets=offsets)))


def test_a_namespace_of_another_kind_is_not_joined(tmp_path: Path) -> None:
    for path, said in (
        ("/proc/self/ns/uts", "linux.namespaces[1].path: '/proc/self/ns/uts' is no network"),
        (str(tmp_path), "is no network namespace"),
        (f"{tmp_path}/none", f"'{tmp_path}/none': No such file"),
    ):
        listed = (*MOUNT, Namespace(type="network", path=path))
        with pytest.raises(InvalidInputError, match=re.escape(said)):
            check_support(Spec(linux=Linux(namespaces=listed)))
