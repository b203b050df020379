"""A throw-away copy of this machine: a container whose root is an overlay of the machine's own.

A play that runs in it does everything for real (packages, files, links, routes, containers) and
the machine stays as it was. What is written goes to memory; processes, network, host name, shared
memory and cgroups are its own; so are kernel parameters: those of the network by its namespace,
all others as a copy that can be written and has no effect. Local disks beside the root are copied
the same way; what is mounted over a network is not there. Not a prison for enemies: it holds most
of the caller's capabilities.
"""

import os
import stat

from toolkit.core.record import record, replace
from toolkit.engine import defaults
from toolkit.engine.config import ContainerConfig
from toolkit.engine.spec import capability_sets
from toolkit.linux.mounts import MountFlag, mount
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.oci.spec import Device, DeviceRule, Mount, Resources, Spec
from toolkit.runtime.root import overlay_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolkit.engine.engine import Engine
    from toolkit.engine.model import Running
    from toolkit.engine.seams import Stdio
    from toolkit.engine.settings import Settings

_PLACES = ("DOCKYARD_DATA_ROOT", "DOCKYARD_ROOT", "DOCKYARD_CGROUP_PARENT")  # of the outer one
_PARAMETERS = "/proc/sys"
# What would reach through the copy: the kernel's code, its clock, its power, the hardware.
_WITHHELD = frozenset(
    f"CAP_{name}"
    for name in (
        "SYS_MODULE",
        "SYS_TIME",
        "SYS_BOOT",
        "SYS_RAWIO",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "AUDIT_CONTROL",
    )
)
_TUN = Device(path="/dev/net/tun", type="c", major=10, minor=200, file_mode=0o666)
_OWN_PARAMETERS = "net"  # its own by the network namespace
_READ_ONLY = tuple(path for path in defaults.READONLY_PATHS if path != _PARAMETERS)
_LOCAL = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "overlay", "tmpfs"))
_NOT_COPIED = ("/dev", "/proc", "/sys", "/run")


@record
class Rehearsal:
    """What runs in the copy, and as if called from where."""

    argv: tuple[str, ...]
    env: "Mapping[str, str]"
    cwd: str


def rehearse(
    engine: "Engine", asked: Rehearsal, stdio: "Stdio", *, told: "Callable[[], object]"
) -> "Running":
    """Run ``asked`` in a copy of this machine, which is dropped when it ends or the caller does.

    ``told`` is called when the runtime is told: from then on the command may run.
    """
    env = {name: value for name, value in asked.env.items() if name not in _PLACES}
    config = ContainerConfig(
        rootfs="/",
        command=asked.argv,
        env=tuple(f"{name}={value}" for name, value in env.items()),
        workdir=asked.cwd,
        hostname=os.uname().nodename,
        privileged=True,
        auto_remove=True,
    )
    shape = shape_for(engine.settings)
    return engine.run(config, stdio, tied=True, shape=shape, asked=told)


def shape_for(settings: "Settings") -> "Callable[[Spec, str], Spec]":
    """Turns the spec of a privileged container into that of a copy; ``directory`` is its own."""

    def shape(spec: Spec, directory: str) -> Spec:
        parameters = copy_parameters(f"{directory}/parameters")
        disks = _copy_disks(f"{settings.data_root}/copies")
        process, linux = spec.process, spec.linux
        assert process is not None
        assert process.capabilities is not None
        kept = tuple(name for name in process.capabilities.bounding if name not in _WITHHELD)
        return replace(
            spec,
            process=replace(process, capabilities=capability_sets(kept, uid=0)),
            mounts=(*disks, *_mounts(settings), *parameters),
            linux=replace(
                linux,
                devices=(_TUN,),
                resources=Resources(devices=_device_rules()),
                sysctl={},
                masked_paths=defaults.MASKED_PATHS,
                readonly_paths=_READ_ONLY,
            ),
        )

    return shape


def _device_rules() -> tuple[DeviceRule, ...]:
    """Docker's and the tunnel; no disk of the machine can be opened."""
    rules = (*defaults.DEVICE_RULES, ("c", _TUN.major, _TUN.minor, "rwm"))
    allowed = tuple(
        DeviceRule(allow=True, type=kind, major=major, minor=minor, access=access)
        for kind, major, minor, access in rules
    )
    return (DeviceRule(allow=False, access="rwm"), *allowed)


def _mounts(settings: "Settings") -> tuple[Mount, ...]:
    quiet = ("nosuid", "noexec", "nodev")
    roots = dict.fromkeys(("/var/lib/dockyard", settings.data_root))
    return (
        _mount("/proc", "proc", *quiet),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        _mount("/dev/shm", "tmpfs", *quiet, "mode=1777"),  # noqa: S108 - it is the copy's own
        _mount("/dev/mqueue", "mqueue", *quiet),
        _mount("/sys", "sysfs", *quiet, "ro"),
        _mount("/sys/fs/cgroup", "cgroup", *quiet, "rw"),
        _mount("/run", "tmpfs", "nosuid", "nodev", "mode=755"),
        _mount("/run/lock", "tmpfs", *quiet, "mode=1777", "size=5m"),
        # The writable layer of a container inside cannot lie on an overlay.
        *(_mount(path, "tmpfs", "mode=711") for path in roots),
    )


def _mount(path: str, kind: str, *options: str) -> Mount:
    return Mount(destination=path, type=kind, source=kind, options=options)


def other_disks(mountinfo: str) -> tuple[str, ...]:
    """Where local file systems are mounted beside the root, outer ones first."""
    found: dict[str, None] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].encode().decode("unicode_escape")
        outside = any(point == name or point.startswith(f"{name}/") for name in _NOT_COPIED)
        if point != "/" and right.split(" ")[0] in _LOCAL and not outside:
            found[point] = None
    return tuple(found)


def _copy_disks(base: str) -> tuple[Mount, ...]:
    """Overlays for the other disks; what is written to them goes to memory.

    That memory is mounted at ``base`` in a mount namespace which this process moves to, together
    with the launcher that it starts later: it is gone with them, whoever is killed. Each disk is
    bound there as well, for its own mount may go at any time; one that has gone is no disk.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        disks = tuple(path for path in other_disks(file.read()) if os.path.isdir(path))
    if not disks:
        return ()
    unshare(NamespaceFlag.MOUNT)
    mount(None, "/", flags=MountFlag.REC | MountFlag.SLAVE)
    os.makedirs(base, mode=0o700, exist_ok=True)
    mount("tmpfs", base, "tmpfs", data="mode=700")
    mounts = []
    for number, disk in enumerate(disks):
        lower, upper, work = (f"{base}/{number}/{name}" for name in ("lower", "upper", "work"))
        for each in (lower, upper, work):
            os.makedirs(each)
        try:
            mount(disk, lower, flags=MountFlag.BIND)
        except FileNotFoundError:
            continue
        seen = os.stat(lower)
        os.chmod(upper, stat.S_IMODE(seen.st_mode))
        os.chown(upper, seen.st_uid, seen.st_gid)
        options = (overlay_data((lower,), upper, work),)
        mounts.append(Mount(destination=disk, type="overlay", source="overlay", options=options))
    return tuple(mounts)


def copy_parameters(target: str, source: str = _PARAMETERS) -> tuple[Mount, ...]:
    """Copy the kernel's parameters, but for the network's, into ``target``; the mounts to show it.

    A directory that holds something mounted is left out: what it shows is no parameter.
    """
    os.mkdir(target, 0o755)
    mounts = []
    for name in sorted(os.listdir(source)):
        if name != _OWN_PARAMETERS:
            _copy(f"{source}/{name}", f"{target}/{name}")
            mounts.append(
                Mount(
                    destination=f"{_PARAMETERS}/{name}",
                    type="bind",
                    source=f"{target}/{name}",
                    options=("rbind", "rprivate"),
                )
            )
    return tuple(mounts)


def _copy(source: str, target: str) -> None:
    """Files with their content and mode; one that cannot be read is made empty."""
    os.mkdir(target, 0o755)
    with os.scandir(source) as entries:
        for entry in entries:
            path = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not os.path.ismount(entry.path):
                    _copy(entry.path, path)
                continue
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            try:
                os.write(fd, _content(entry.path))
            finally:
                os.close(fd)


def _content(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # write-only, or of a feature that is off: there is nothing to copy
        return b""
    try:
        return os.read(fd, 1 << 16)
    except OSError:  # as above: some say so only now
        return b""
    finally:
        os.close(fd)
