"""No property of the specification is read and then forgotten.

``KEYS`` are the properties of ``config.json`` as the specification (1.2, with what 1.2.1 and 1.3
add for Linux) names them. Each is a field of a record; each field is read by the code that makes
containers; each limit becomes a limit of the cgroup or is refused by its name.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.cgroup.controllers import writes
from toolkit.cgroup.limits import Limits
from toolkit.core.errors import InvalidInputError, ToolkitError, UnsupportedError
from toolkit.core.record import Record
from toolkit.oci import spec as records
from toolkit.oci.decode import json_name
from toolkit.oci.spec import Linux, Namespace, Process, Spec, from_json, resources_from_json
from toolkit.runtime import groups
from toolkit.runtime.support import check_support

KEYS = {
    "Spec": "ociVersion root process hostname domainname mounts hooks annotations linux",
    "Root": "path readonly",
    "Mount": "destination type source options uidMappings gidMappings",
    "IdMapping": "containerID hostID size",
    "Process": (
        "terminal consoleSize cwd env args rlimits capabilities noNewPrivileges oomScoreAdj user"
        " apparmorProfile selinuxLabel ioPriority scheduler execCPUAffinity"
    ),
    "ConsoleSize": "height width",
    "User": "uid gid umask additionalGids",
    "Capabilities": "bounding effective inheritable permitted ambient",
    "Rlimit": "type soft hard",
    "Scheduler": "policy nice priority flags runtime deadline period",
    "IoPriority": "class priority",
    "CpuAffinity": "initial final",
    "Hooks": "prestart createRuntime createContainer startContainer poststart poststop",
    "Hook": "path args env timeout",
    "Linux": (
        "namespaces uidMappings gidMappings timeOffsets devices netDevices cgroupsPath resources"
        " rootfsPropagation seccomp sysctl maskedPaths readonlyPaths mountLabel intelRdt"
        " personality memoryPolicy"
    ),
    "Namespace": "type path",
    "Device": "type path major minor fileMode uid gid",
    "Resources": "devices memory cpu pids blockIO hugepageLimits network rdma unified",
    "DeviceRule": "allow type major minor access",
    "Memory": (
        "limit reservation swap kernel kernelTCP swappiness disableOOMKiller useHierarchy"
        " checkBeforeUpdate"
    ),
    "Cpu": "shares quota burst period realtimeRuntime realtimePeriod cpus mems idle",
    "Pids": "limit",
    "BlockIO": (
        "weight leafWeight weightDevice throttleReadBpsDevice throttleWriteBpsDevice"
        " throttleReadIOPSDevice throttleWriteIOPSDevice"
    ),
    "WeightDevice": "major minor weight leafWeight",
    "ThrottleDevice": "major minor rate",
    "HugepageLimit": "pageSize limit",
    "Network": "classID priorities",
    "InterfacePriority": "name priority",
    "Rdma": "hcaHandles hcaObjects",
}
OTHER_SYSTEMS = ("windows", "solaris", "vm", "zos", "freebsd")
MIB = 1 << 20
LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"devices": [{"allow": True, "type": "c", "major": 1, "minor": 3}]}, "c 1:3 rwm"),
    ({"memory": {"limit": MIB}}, str(MIB)),
    ({"memory": {"reservation": MIB}}, str(MIB)),
    ({"memory": {"limit": MIB, "swap": 2 * MIB}}, str(2 * MIB)),
    ({"memory": {"kernel": MIB}}, "refused: memory.kernel"),
    ({"memory": {"kernelTCP": MIB}}, str(MIB)),
    ({"memory": {"swappiness": 7}}, "7"),
    ({"memory": {"swappiness": 0}}, "0"),
    ({"memory": {"disableOOMKiller": True}}, "1"),
    ({"memory": {"useHierarchy": True}}, "1"),
    ({"memory": {"useHierarchy": False}}, "refused: memory.useHierarchy"),
    ({"cpu": {"shares": 77}}, "77"),
    ({"cpu": {"quota": 7000}}, "7000"),
    ({"cpu": {"burst": 70}}, "70"),
    ({"cpu": {"period": 7000}}, "7000"),
    ({"cpu": {"realtimeRuntime": 70}}, "70"),
    ({"cpu": {"realtimePeriod": 70}}, "70"),
    ({"cpu": {"cpus": "0-7"}}, "0-7"),
    ({"cpu": {"mems": "1"}}, "1"),
    ({"cpu": {"idle": 1}}, "1"),
    ({"pids": {"limit": 7}}, "7"),
    ({"pids": {"limit": 0}}, "0"),
    ({"blockIO": {"weight": 70}}, "70"),
    ({"blockIO": {"leafWeight": 70}}, "70"),
    ({"blockIO": {"weightDevice": [{"major": 8, "minor": 1, "weight": 70}]}}, "8:1 70"),
    ({"blockIO": {"weightDevice": [{"major": 8, "minor": 1, "leafWeight": 70}]}}, "8:1 70"),
    ({"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 9}]}}, "8:1 9"),
    ({"blockIO": {"throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 9}]}}, "8:1 9"),
    ({"blockIO": {"throttleReadIOPSDevice": [{"major": 8, "minor": 1, "rate": 9}]}}, "8:1 9"),
    ({"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 9}]}}, "8:1 9"),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": MIB}]}, str(MIB)),
    ({"network": {"classID": 7}}, "7"),
    ({"network": {"priorities": [{"name": "eth0", "priority": 7}]}}, "eth0 7"),
    ({"rdma": {"mlx5_1": {"hcaHandles": 7}}}, "mlx5_1 hca_handle=7 hca_object=max"),
    ({"rdma": {"mlx5_1": {"hcaObjects": 7}}}, "mlx5_1 hca_handle=max hca_object=7"),
    ({"unified": {"memory.high": "7"}}, "unified"),
    ({"memory": {"checkBeforeUpdate": True}}, "checked"),
]


def record_types() -> dict[str, type[Record]]:
    return {
        name: kind
        for name, kind in vars(records).items()
        if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
    }


def test_every_property_is_a_field_and_every_field_a_property() -> None:
    found = {name: sorted(map(json_name, kind._fields)) for name, kind in record_types().items()}
    assert found == {name: sorted(keys.split()) for name, keys in KEYS.items()}


def reads() -> Iterator[str]:
    """Every attribute, and every text, that the code below the command line speaks of."""
    top = Path(toolkit.__file__).parent
    for folder in ("runtime", "cgroup", "cli/oci", "linux"):
        for path in sorted((top / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    yield node.attr
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_field_is_read_somewhere() -> None:
    spoken = {*reads(), "prestart"}
    hooks = {"create_runtime", "create_container", "start_container"}  # by their camelCase names
    unread = {
        f"{name}.{field}"
        for name, kind in record_types().items()
        for field in kind._fields
        if field not in spoken and not (field in hooks and json_name(field) in spoken)
    }
    # Which version a bundle was written for changes nothing: checked on its way in.
    assert unread <= {"Spec.oci_version"}


def written(limits: Limits) -> set[str]:
    return {step.value for steps in writes(limits, 1).values() for step in steps}


@pytest.mark.parametrize(("given", "effect"), LIMITS, ids=lambda value: str(value)[:60])
def test_every_limit_is_set_or_refused(given: dict[str, Any], effect: str) -> None:
    resources = resources_from_json(given)
    spec = Spec(linux=Linux(resources=resources, namespaces=(Namespace(type="mount"),)))
    if effect.startswith("refused: "):
        with pytest.raises(UnsupportedError) as refused:
            check_support(spec)
        assert refused.value.message.startswith(f"linux.resources.{effect[9:]}: ")
        return
    check_support(spec)
    limits = groups.limits(resources)
    assert limits != Limits()
    if effect == "unified":
        assert limits.unified == (("memory.high", "7"),)
    elif effect == "checked":
        assert limits.memory_checked
    else:
        assert effect in written(limits)
    if effect not in ("unified", "checked") and "devices" not in given:
        assert writes(limits, 2) or "useHierarchy" in str(given)


def test_every_limit_of_the_specification_is_in_the_table() -> None:
    named = {key for given, _ in LIMITS for key in given}
    assert named == set(KEYS["Resources"].split())
    for section, kind in (("memory", "Memory"), ("cpu", "Cpu"), ("blockIO", "BlockIO")):
        inner = {key for given, _ in LIMITS for key in given.get(section, ())}
        assert inner == set(KEYS[kind].split())


@pytest.mark.parametrize("name", OTHER_SYSTEMS)
def test_what_is_for_other_systems_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"config.json: {name}: this runtime is for Linux"):
        from_json({"ociVersion": "1.2.0", name: {"x": 1}})
    assert from_json({"ociVersion": "1.2.0", name: {}}) == Spec()


def test_what_nobody_knows_is_ignored_as_the_specification_demands() -> None:
    assert from_json({"ociVersion": "1.2.0", "org.example": {"x": 1}}) == Spec()


@pytest.mark.parametrize(
    ("linux", "said"),
    [
        ({"net_devices": {"eth0": {}}}, "linux.netDevices: "),
        ({"memory_policy": {"mode": "MPOL_BIND"}}, "linux.memoryPolicy: "),
        ({"intel_rdt": {"closID": "x"}}, "linux.intelRdt: "),
    ],
)
def test_what_is_not_done_is_refused_by_its_name(linux: dict[str, Any], said: str) -> None:
    spec = Spec(linux=Linux(namespaces=(Namespace(type="mount"),), **linux))
    with pytest.raises(ToolkitError) as refused:
        check_support(spec)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("listed", ["x", "1-", "-1", "0-99999999", "1,,2"])
def test_an_affinity_that_is_no_list_is_refused(listed: str) -> None:
    affinity = records.CpuAffinity(final=listed)
    spec = Spec(
        linux=Linux(namespaces=(Namespace(type="mount"),)),
        process=Process(cwd="/", exec_cpu_affinity=affinity),
    )
    with pytest.raises(InvalidInputError, match=r"process\.execCPUAffinity\.final: expected a"):
        check_support(spec)
