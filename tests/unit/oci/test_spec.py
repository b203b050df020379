"""config.json read, checked and written."""

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.oci.decode import json_name
from toolkit.oci.spec import (
    Capabilities,
    ConsoleSize,
    DeviceRule,
    Hook,
    IdMapping,
    IoPriority,
    Linux,
    Memory,
    Mount,
    Namespace,
    Process,
    Resources,
    Rlimit,
    Root,
    Spec,
    User,
    check,
    from_json,
    process_from_json,
    to_json,
)

MINIMAL: dict[str, Any] = {
    "ociVersion": "1.2.0",
    "process": {"cwd": "/", "args": ["sh"]},
    "root": {"path": "rootfs"},
}


def changed(**process: Any) -> dict[str, Any]:
    return {**MINIMAL, "process": {**MINIMAL["process"], **process}}


def test_a_minimal_document() -> None:
    spec = from_json(MINIMAL)
    assert spec.root == Root(path="rootfs")
    assert spec.process == Process(cwd="/", args=("sh",))
    assert spec.linux == Linux()


def test_a_whole_document() -> None:
    document = {
        **changed(
            terminal=True,
            consoleSize={"height": 2, "width": 3},
            user={"uid": 1, "gid": 2, "umask": 63, "additionalGids": [3]},
            env=["A=b", "C="],
            capabilities={"bounding": ["CAP_KILL"], "ambient": []},
            rlimits=[{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}],
            noNewPrivileges=True,
            oomScoreAdj=-5,
            ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 4},
        ),
        "hostname": "box",
        "mounts": [{"destination": "/proc", "type": "proc", "options": ["ro"]}],
        "hooks": {"createRuntime": [{"path": "/bin/x", "timeout": 3}]},
        "annotations": {"key": "value"},
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "network", "path": "/x"}],
            "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 5}],
            "resources": {
                "memory": {"limit": 5, "disableOOMKiller": True},
                "devices": [{"allow": False, "access": "rwm"}],
            },
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"},
            "sysctl": {"net.a": "1"},
            "maskedPaths": ["/proc/kcore"],
        },
    }
    spec = from_json(document)
    assert spec.process == Process(
        cwd="/",
        args=("sh",),
        env=("A=b", "C="),
        terminal=True,
        console_size=ConsoleSize(height=2, width=3),
        user=User(uid=1, gid=2, umask=63, additional_gids=(3,)),
        capabilities=Capabilities(bounding=("CAP_KILL",)),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=1, hard=2),),
        no_new_privileges=True,
        oom_score_adj=-5,
        io_priority=IoPriority(priority=4, class_="IOPRIO_CLASS_BE"),
    )
    assert spec.mounts == (Mount(destination="/proc", type="proc", options=("ro",)),)
    assert spec.hooks is not None
    assert spec.hooks.create_runtime == (Hook(path="/bin/x", timeout=3),)
    assert spec.linux.namespaces[1] == Namespace(type="network", path="/x")
    assert spec.linux.uid_mappings == (IdMapping(container_id=0, host_id=1000, size=5),)
    assert spec.linux.resources == Resources(
        memory=Memory(limit=5, disable_oom_killer=True),
        devices=(DeviceRule(allow=False, access="rwm"),),
    )
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "config.json: expected an object, not a list"),
        (changed(args=["a", 5]), "config.json: process.args[1]: expected text, not a number"),
        (changed(args="a"), "config.json: process.args: expected a list, not text"),
        (
            changed(terminal="yes"),
            "config.json: process.terminal: expected true or false, not text",
        ),
        (
            changed(user={"uid": True}),
            "process.user.uid: expected a whole number, not true or false",
        ),
        (changed(user={"uid": 1.5}), "process.user.uid: expected a whole number, not a number"),
        (changed(user={"uid": 2**32 - 1}), "process.user.uid: 4294967295 is no id"),
        (changed(user={"gid": -1}), "process.user.gid: -1 is no id"),
        (changed(cwd="here"), "process.cwd: expected an absolute path, not 'here'"),
        (changed(cwd=None), "config.json: process.cwd: missing"),
        (changed(env=["A=1", "B"]), "process.env[1]: expected 'NAME=value', not 'B'"),
        (changed(args=["a\0b"]), "process.args[0]: a zero byte cannot be passed to the kernel"),
        (changed(rlimits=[{"type": "X", "soft": 1}]), "process.rlimits[0].hard: missing"),
        ({**MINIMAL, "mounts": [{}]}, "config.json: mounts[0].destination: missing"),
        ({**MINIMAL, "mounts": [{"destination": "x"}]}, "mounts[0].destination: expected an abs"),
        ({**MINIMAL, "annotations": {"a": 1}}, "config.json: annotations.a: expected text"),
        (
            {**MINIMAL, "linux": {"namespaces": [{"type": "pids"}]}},
            "linux.namespaces[0].type: unknown namespace 'pids'",
        ),
        (
            {**MINIMAL, "linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}},
            "linux.namespaces[1].type: 'pid' is listed twice",
        ),
        ({**MINIMAL, "linux": {"maskedPaths": ["a"]}}, "linux.maskedPaths: expected an absolute"),
        ({**MINIMAL, "linux": {"seccomp": 3}}, "linux.seccomp: expected an object, not a number"),
    ],
)
def test_a_fault_is_named_by_its_path(document: object, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        from_json(document)
    assert message in caught.value.message


def test_the_nearest_namespace_is_hinted() -> None:
    with pytest.raises(InvalidInputError) as caught:
        from_json({**MINIMAL, "linux": {"namespaces": [{"type": "networks"}]}})
    assert caught.value.hint == "did you mean 'network'?"


def test_unknown_properties_and_nulls_are_passed_over() -> None:
    document = {**changed(env=None, unknown=1), "windows": {}, "linux": None}
    assert from_json(document) == from_json(MINIMAL)


def test_a_whole_float_is_a_number() -> None:
    spec = from_json(changed(user={"uid": 1e3}))
    assert spec.process is not None
    assert spec.process.user.uid == 1000


def test_the_process_of_an_exec() -> None:
    assert process_from_json({"cwd": "/", "args": ["a"]}) == Process(cwd="/", args=("a",))
    with pytest.raises(InvalidInputError, match=r"process.json: process.cwd: expected an absolute"):
        process_from_json({"cwd": "x"})


def test_defaults_are_left_out_and_the_version_stays() -> None:
    assert to_json(Spec()) == {"ociVersion": "1.2.0"}
    assert to_json(Process(cwd="/")) == {"cwd": "/"}


def test_check_is_for_specs_made_by_hand() -> None:
    with pytest.raises(InvalidInputError, match="absolute"):
        check(Spec(process=Process(cwd="x")))


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("no_new_privileges", "noNewPrivileges"),
        ("host_id", "hostID"),
        ("throttle_read_bps_device", "throttleReadBpsDevice"),
        ("throttle_read_iops_device", "throttleReadIOPSDevice"),
        ("class_", "class"),
        ("args", "args"),
    ],
)
def test_names_follow_a_rule(field: str, name: str) -> None:
    assert json_name(field) == name


def test_every_field_can_be_decoded() -> None:
    # The plan of a class is made when it is first met: walk them all, so none is met by a user.
    from toolkit.oci import decode, spec  # noqa: PLC0415 - looks inside

    for value in vars(spec).values():
        if isinstance(value, type) and hasattr(value, "_fields"):
            assert len(decode._plan(value)) == len(value._fields)
    assert Path(spec.__file__).exists()
