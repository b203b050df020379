from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.engine import defaults
from toolkit.engine.config import Bind, ContainerConfig, Tmpfs
from toolkit.engine.spec import Context, check_modes, granted, to_spec
from toolkit.engine.users import Account
from toolkit.oci.spec import ConsoleSize, Cpu, Device, Memory, Mount, Process, Spec, User, check

ID = "0123456789abcdef" * 4


@record
class Image:
    env: tuple[str, ...] = ("A=image", "PATH=/bin")
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ("sh",)
    workdir: str = ""


def spec(image: Image | None = None, context: Context | None = None, **asked: Any) -> Spec:
    made = to_spec(ContainerConfig(**asked), image or Image(), context or Context(id=ID))
    check(made)
    return made


def process(image: Image | None = None, context: Context | None = None, **asked: Any) -> Process:
    found = spec(image, context, **asked).process
    assert found is not None
    return found


def mounts(made: Spec) -> dict[str, Mount]:
    return {mount.destination: mount for mount in made.mounts}


@pytest.mark.parametrize(
    ("entrypoint", "command", "image", "args"),
    [
        (None, (), Image(), ("sh",)),
        (None, ("ls", "-l"), Image(), ("ls", "-l")),
        (None, (), Image(entrypoint=("run",), cmd=("x",)), ("run", "x")),
        (None, ("y",), Image(entrypoint=("run",), cmd=("x",)), ("run", "y")),
        (("other",), (), Image(entrypoint=("run",), cmd=("x",)), ("other",)),
        (("other",), ("y",), Image(entrypoint=("run",)), ("other", "y")),
        (("",), ("y",), Image(entrypoint=("run",)), ("y",)),
    ],
)
def test_what_runs(
    entrypoint: tuple[str, ...] | None,
    command: tuple[str, ...],
    image: Image,
    args: tuple[str, ...],
) -> None:
    assert process(image, entrypoint=entrypoint, command=command).args == args


def test_nothing_to_run_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no command"):
        spec(Image(cmd=()))


def test_the_environment_is_only_what_was_asked() -> None:
    made = process(env=("B=1", "A=asked"), context=Context(id=ID, account=Account(home="/root")))
    assert made.env == (
        "HOME=/root",
        "PATH=/bin",
        f"HOSTNAME={ID[:12]}",
        "A=asked",
        "B=1",
    )


def test_a_terminal_has_a_term_and_home_is_kept() -> None:
    made = process(tty=True, env=("HOME=/here",))
    assert made.terminal
    assert "TERM=xterm" in made.env
    assert [text for text in made.env if text.startswith("HOME=")] == ["HOME=/here"]


def test_a_terminal_has_its_size_from_its_first_moment() -> None:
    assert process(tty=True, rows=31, columns=97).console_size == ConsoleSize(height=31, width=97)
    assert process(tty=True).console_size is None


def test_the_host_name() -> None:
    assert spec().hostname == ID[:12]
    assert spec(hostname="web").hostname == "web"
    host = Context(id=ID, node_name="machine")
    assert spec(network="host", context=host).hostname == "machine"


def test_the_directory_is_absolute() -> None:
    assert process().cwd == "/"
    assert process(Image(workdir="/srv")).cwd == "/srv"
    assert process(Image(workdir="/srv"), workdir="/tmp").cwd == "/tmp"
    with pytest.raises(InvalidInputError, match="not an absolute path"):
        spec(workdir="tmp")


def test_default_capabilities_are_dockers_fourteen() -> None:
    sets = process().capabilities
    assert sets is not None
    assert len(sets.bounding) == 14
    assert set(sets.bounding) == set(defaults.CAPABILITIES)
    assert sets.bounding == sets.effective == sets.permitted
    assert sets.inheritable == sets.ambient == ()


def test_a_user_that_is_not_root_holds_nothing() -> None:
    made = process(context=Context(id=ID, account=Account(uid=1000, gid=5, groups=(7,))))
    assert made.user == User(uid=1000, gid=5, additional_gids=(7,))
    assert made.capabilities is not None
    assert made.capabilities.effective == made.capabilities.permitted == ()
    assert len(made.capabilities.bounding) == 14


OWN = ("CAP_CHOWN", "CAP_NET_ADMIN", "CAP_SYS_ADMIN")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"cap_drop": ("ALL",)}, set()),
        ({"cap_drop": ("all",), "cap_add": ("net_admin",)}, {"CAP_NET_ADMIN"}),
        ({"cap_add": ("CAP_NET_ADMIN",)}, {*defaults.CAPABILITIES, "CAP_NET_ADMIN"}),
        ({"cap_drop": ("CHOWN",)}, set(defaults.CAPABILITIES) - {"CAP_CHOWN"}),
        ({"cap_add": ("CHOWN",), "cap_drop": ("CHOWN",)}, set(defaults.CAPABILITIES) - {OWN[0]}),
        ({"cap_add": ("ALL",)}, set(OWN)),
        ({"cap_add": ("ALL",), "cap_drop": ("SYS_ADMIN",)}, set(OWN) - {"CAP_SYS_ADMIN"}),
        ({"privileged": True}, set(OWN)),
    ],
)
def test_capabilities_added_and_dropped(asked: dict[str, Any], expected: set[str]) -> None:
    assert set(granted(ContainerConfig(**asked), OWN)) == expected


@pytest.mark.parametrize("flag", ["cap_add", "cap_drop"])
def test_an_unknown_capability_is_refused_with_the_nearest(flag: str) -> None:
    asked: dict[str, Any] = {flag: ("NET_ADMINN",)}
    with pytest.raises(InvalidInputError, match="unknown capability 'NET_ADMINN'") as caught:
        granted(ContainerConfig(**asked), OWN)
    assert "CAP_NET_ADMIN" in caught.value.hint


def test_namespaces() -> None:
    made = {item.type for item in spec().linux.namespaces}
    assert made == {"pid", "network", "mount", "ipc", "uts", "cgroup"}
    shared = spec(network="host", pid="host", ipc="host")
    assert {item.type for item in shared.linux.namespaces} == {"mount", "uts", "cgroup"}


def test_a_pid_namespace_is_joined() -> None:
    made = spec(pid="container:x", context=Context(id=ID, pid_path="/proc/7/ns/pid"))
    assert [item.path for item in made.linux.namespaces if item.type == "pid"] == ["/proc/7/ns/pid"]


def test_the_network_of_another_container_is_joined() -> None:
    context = Context(id=ID, net_path="/proc/7/ns/net", node_name="other")
    made = spec(network="container:x", context=context)
    found = [item.path for item in made.linux.namespaces if item.type == "network"]
    assert found == ["/proc/7/ns/net"]
    assert made.hostname == "other"
    assert made.linux.sysctl == {}


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"network": ""}, InvalidInputError),
        ({"network": "container:"}, InvalidInputError),
        ({"network": "cantainer:web"}, InvalidInputError),
        ({"network": "container:web", "hostname": "x"}, InvalidInputError),
        ({"network": "host", "mac_address": "02:42:00:00:00:01"}, InvalidInputError),
        ({"ipc": "container:"}, InvalidInputError),
        ({"uts": "x"}, InvalidInputError),
        ({"uts": "host", "hostname": "x"}, InvalidInputError),
        ({"cgroupns": "x"}, InvalidInputError),
        ({"userns": "keep-id"}, UnsupportedError),
        ({"restart": "always", "auto_remove": True}, InvalidInputError),
        ({"ipc": "x"}, InvalidInputError),
        ({"pid": "x"}, InvalidInputError),
    ],
)
def test_modes_that_are_not_built(asked: dict[str, str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check_modes(ContainerConfig(**asked))  # type: ignore[arg-type] # only texts


def test_modes_that_are() -> None:
    for asked in ({}, {"network": "host"}, {"ipc": "none"}, {"pid": "container:x"}):
        check_modes(ContainerConfig(**asked))  # type: ignore[arg-type] # only texts


def test_kernel_file_systems_are_read_only_and_masked() -> None:
    made = spec()
    assert {"nosuid", "noexec", "nodev"} <= set(mounts(made)["/proc"].options)
    assert "ro" in mounts(made)["/sys"].options
    assert "ro" in mounts(made)["/sys/fs/cgroup"].options
    assert "/proc/kcore" in made.linux.masked_paths
    assert "/proc/sys" in made.linux.readonly_paths


def test_privileged_takes_all_of_that_away() -> None:
    node = Device(path="/dev/kvm", type="c", major=10, minor=232)
    context = Context(id=ID, capabilities=OWN, devices=(node,))
    made = spec(privileged=True, context=context)
    assert made.linux.masked_paths == made.linux.readonly_paths == ()
    assert "rw" in mounts(made)["/sys"].options
    assert made.linux.seccomp is None
    assert made.linux.devices == (node,)
    assert made.linux.resources is not None
    assert [rule.allow for rule in made.linux.resources.devices] == [True]


def test_seccomp_is_on_unless_unconfined() -> None:
    assert spec().linux.seccomp == {}
    assert spec(seccomp="unconfined").linux.seccomp is None
    profile = '{"defaultAction": "SCMP_ACT_ERRNO"}'
    for privileged in (False, True):
        found = spec(seccomp=profile, privileged=privileged).linux.seccomp
        assert found == {"defaultAction": "SCMP_ACT_ERRNO"}


@pytest.mark.parametrize("profile", ["{", "[]", "{}", '"text"'])
def test_a_broken_profile_is_refused(profile: str) -> None:
    with pytest.raises(InvalidInputError, match="seccomp: the profile is no"):
        spec(seccomp=profile)


def test_devices_are_denied_first() -> None:
    resources = spec().linux.resources
    assert resources is not None
    assert not resources.devices[0].allow
    assert all(rule.allow for rule in resources.devices[1:])
    assert {(rule.major, rule.minor) for rule in resources.devices if "w" in rule.access} == {
        (None, None),
        *((1, minor) for minor in (3, 5, 7, 8, 9)),
        *((5, minor) for minor in (0, 1, 2)),
        (136, None),
    }


def test_volumes_come_outer_first_and_after_ours() -> None:
    binds = (Bind(source="/x", target="/a/b", read_only=True), Bind(source="/y", target="/a"))
    made = spec(binds=binds, tmpfs=(Tmpfs(target="/a/b/c", options=("noexec",)),))
    asked = [mount.destination for mount in made.mounts][-3:]
    assert asked == ["/a", "/a/b", "/a/b/c"]
    assert "rro" in mounts(made)["/a/b"].options


def test_a_volume_takes_the_place_of_a_default_mount() -> None:
    made = spec(binds=(Bind(source="/x", target="/dev/shm"),))
    assert mounts(made)["/dev/shm"].source == "/x"
    assert len([mount for mount in made.mounts if mount.destination == "/dev/shm"]) == 1


def test_two_mounts_at_one_place_are_refused() -> None:
    binds = (Bind(source="/x", target="/a"), Bind(source="/y", target="/a/"))
    with pytest.raises(InvalidInputError, match="two mounts"):
        spec(binds=binds)


def test_private_files_lie_over_the_images_trees() -> None:
    context = Context(
        id=ID, files=(("/etc/hosts", "/data/hosts"),), image_binds=(("/usr", "/usr"),)
    )
    made = [mount.destination for mount in spec(context=context).mounts]
    assert made.index("/usr") < made.index("/etc/hosts")
    assert "rro" in mounts(spec(context=context))["/usr"].options


@pytest.mark.parametrize(
    ("propagation", "root"),
    [("rprivate", "rprivate"), ("rslave", "rslave"), ("rshared", "rshared"), ("slave", "rslave")],
)
def test_the_root_passes_mounts_on_only_when_asked(propagation: str, root: str) -> None:
    bind = Bind(source="/x", target="/a", propagation=propagation)
    assert spec(binds=(bind,)).linux.rootfs_propagation == root


def test_shared_memory() -> None:
    assert "size=65536k" in mounts(spec())["/dev/shm"].options
    assert "/dev/shm" not in mounts(spec(ipc="none"))
    assert mounts(spec(ipc="host"))["/dev/shm"].source == "/dev/shm"


def limits(**asked: Any) -> Memory | None:
    resources = spec(context=Context(id=ID, swap_limit=True), **asked).linux.resources
    assert resources is not None
    return resources.memory


def test_memory() -> None:
    assert limits() is None
    assert limits(memory=64 << 20) == Memory(limit=64 << 20, swap=128 << 20)
    assert limits(memory=64 << 20, memory_swap=-1) == Memory(limit=64 << 20, swap=-1)
    assert limits(memory=64 << 20, memory_swap=64 << 20) == Memory(limit=64 << 20, swap=64 << 20)
    without = spec(memory=64 << 20).linux.resources
    assert without is not None
    assert without.memory == Memory(limit=64 << 20)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"memory": 1 << 20}, "less than the least"),
        ({"memory_swap": 1 << 30}, "without memory"),
        ({"memory": 64 << 20, "memory_swap": 32 << 20}, "less than memory"),
    ],
)
def test_memory_that_makes_no_sense(asked: dict[str, int], why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        limits(**asked)


def test_processors_and_pids() -> None:
    resources = spec(cpu_quota=50_000, cpu_period=100_000, cpuset_cpus="0", pids_limit=9)
    assert resources.linux.resources is not None
    assert resources.linux.resources.cpu == Cpu(quota=50_000, period=100_000, cpus="0")
    assert resources.linux.resources.pids is not None
    assert resources.linux.resources.pids.limit == 9
    none = spec(pids_limit=-1).linux.resources
    assert none is not None
    assert none.pids is None
    assert none.cpu is None


def test_sysctl_belongs_to_an_own_network_only() -> None:
    assert "net.ipv4.ip_unprivileged_port_start" in spec().linux.sysctl
    assert not spec(network="host").linux.sysctl
