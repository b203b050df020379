"""What would be done below a root, worked out without touching anything."""

from toolkit.linux.mounts import MountFlag
from toolkit.oci.spec import Device, IdMapping, Linux, Mount, Namespace, Process, Root, Spec
from toolkit.runtime.plan import Bind, FileSystem, Hide, Node, plan
from toolkit.runtime.sources import Source


def described(*mounts: Mount, **linux: object) -> list[str]:
    spec = Spec(
        root=Root(path="/r", readonly=True),
        process=Process(cwd="/", args=("x",)),
        mounts=mounts,
        linux=Linux(**linux),  # type: ignore[arg-type] # the tests name real fields
    )
    made = plan(spec)
    return [step.describe() for step in (*made.mounts, *made.devices, *made.protect)]


def test_mounts_keep_their_order_and_the_rest_follows() -> None:
    steps = described(
        Mount(destination="/b", type="tmpfs", source="tmpfs"),
        Mount(destination="/a", source="/src", options=("bind",)),
        readonly_paths=("/proc/sys",),
        masked_paths=("/proc/kcore",),
    )
    assert steps[:2] == ["mount tmpfs at '/b'", "bind '/src' at '/a'"]
    assert steps[2] == "node '/dev/null' c 1:3"
    assert steps[-4:] == [
        "link '/dev/ptmx' to 'pts/ptmx'",
        "make '/proc/sys' read-only",
        "hide '/proc/kcore'",
        "make '/' read-only",
    ]


def test_doubles_are_hidden_once() -> None:
    steps = described(masked_paths=("/x", "/y", "/x"))
    assert [step for step in steps if step.startswith("hide")] == ["hide '/x'", "hide '/y'"]


def test_flags_and_data_of_a_file_system() -> None:
    mount = Mount(destination="/t", type="tmpfs", options=("nosuid", "size=1m", "mode=700"))
    step = plan(Spec(mounts=(mount,))).mounts[0]
    assert isinstance(step, FileSystem)
    assert step.options.flags == MountFlag.NOSUID
    assert step.options.data == "size=1m,mode=700"


def test_a_bind_is_told_by_its_options_or_its_type() -> None:
    for mount in (
        Mount(destination="/t", source="/s", options=("rbind", "ro")),
        Mount(destination="/t", source="/s", type="bind"),
    ):
        assert isinstance(plan(Spec(mounts=(mount,))).mounts[0], Bind)


def test_the_cgroup_mount_is_replaced() -> None:
    mount = Mount(destination="/sys/fs/cgroup", type="cgroup")
    stand_in = Hide(path="/here")
    assert plan(Spec(mounts=(mount,)), (stand_in,)).mounts == (stand_in,)
    assert plan(Spec(mounts=(mount,))).mounts == ()


def test_an_asked_device_replaces_the_default_one() -> None:
    device = Device(path="/dev/null", type="c", major=1, minor=3, file_mode=0o600, uid=5)
    nodes = [
        step
        for step in plan(Spec(linux=Linux(devices=(device,)))).devices
        if isinstance(step, Node) and step.path == "/dev/null"
    ]
    assert nodes == [Node(path="/dev/null", major=1, minor=3, mode=0o600, uid=5)]


def test_a_bound_dev_is_left_alone() -> None:
    mount = Mount(destination="/dev", source="/dev", options=("rbind",))
    assert plan(Spec(mounts=(mount,))).devices == ()


MAP = (IdMapping(container_id=0, host_id=5, size=1),)


def source(mount: Mount, **linux: object) -> Source:
    step = plan(Spec(mounts=(mount,), linux=Linux(**linux))).mounts[0]  # type: ignore[arg-type] # as above
    assert isinstance(step, Bind)
    return step.source


def test_an_id_map_is_the_mounts_own_or_the_containers() -> None:
    plain = Mount(destination="/t", source="/s", options=("bind", "idmap"))
    own = Mount(
        destination="/t", source="/s", options=("bind",), uid_mappings=MAP, gid_mappings=MAP
    )
    user = (Namespace(type="user"),)
    assert source(own).uids == MAP
    assert source(plain, uid_mappings=MAP, gid_mappings=MAP, namespaces=user).gids == MAP
    joined = source(plain, uid_mappings=MAP, namespaces=(Namespace(type="user", path="/ns"),))
    assert (joined.user, joined.uids) == ("/ns", ())


def test_a_bind_without_an_id_map_has_none() -> None:
    mapped = source(Mount(destination="/t", source="/s", options=("bind",)), uid_mappings=MAP)
    assert (mapped.uids, mapped.user) == ((), "")
