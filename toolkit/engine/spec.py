"""From what was asked to what the runtime does: ``ContainerConfig`` + image → OCI ``Spec``.

A pure function: what the machine adds (ids, capabilities, joined namespaces) comes in as a
``Context``. Docker's defaults are in ``defaults``; whoever asks for less isolation gets exactly
that and nothing more.
"""

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.engine import defaults
from toolkit.engine.netchecks import check_network
from toolkit.engine.resources import resources, rlimits, sysctls
from toolkit.engine.users import Account
from toolkit.engine.values import merge_env
from toolkit.linux import capabilities as linux_capabilities
from toolkit.oci.spec import (
    Capabilities,
    ConsoleSize,
    Device,
    Linux,
    Mount,
    Namespace,
    Process,
    Root,
    Spec,
    User,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.engine.config import Bind, ContainerConfig, Tmpfs
    from toolkit.engine.seams import Image


@record
class Context:
    """What the machine and the engine add to a config.

    ``capabilities`` are the caller's own, which ``--privileged`` hands on; ``files`` maps paths
    inside to private copies outside; ``image_binds`` are read-only trees of the image;
    ``pid_path``, ``ipc_path`` and ``net_path`` name namespaces to join, ``shm`` the directory of
    the shared memory to share; ``swap_limit`` says whether the kernel counts swap.
    ``asked_devices`` come with their access, ``rates`` are (kind, major, minor, rate).
    """

    id: str
    account: Account = Account()
    node_name: str = ""
    capabilities: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    files: "tuple[tuple[str, str], ...]" = ()
    image_binds: "tuple[tuple[str, str], ...]" = ()
    pid_path: str = ""
    net_path: str = ""
    ipc_path: str = ""
    shm: str = ""
    swap_limit: bool = False
    asked_devices: tuple[tuple[Device, str], ...] = ()
    rates: tuple[tuple[str, int, int, int], ...] = ()


def to_spec(config: "ContainerConfig", image: "Image", context: Context) -> Spec:
    """The container as the runtime is to make it."""
    privileged = config.privileged
    bare = privileged or config.unmasked
    asked = tuple(one for one, _ in context.asked_devices)
    taken = {one.path for one in asked}
    others = context.devices if privileged else ()
    return Spec(
        root=Root(path="rootfs", readonly=config.read_only),
        hostname="" if config.uts == "host" else _hostname(config, context),
        domainname=config.domainname,
        process=_process(config, image, context),
        mounts=(*_default_mounts(config, context), *_files(context), *_asked_mounts(config)),
        annotations=dict(text.partition("=")[::2] for text in config.annotations),
        linux=Linux(
            namespaces=_namespaces(config, context),
            devices=(*(one for one in others if one.path not in taken), *asked),
            resources=resources(config, context),
            seccomp=_filter(config),
            sysctl=sysctls(config, network=not _shares_network(config)),
            masked_paths=() if bare else defaults.MASKED_PATHS,
            readonly_paths=() if bare else defaults.READONLY_PATHS,
            rootfs_propagation=_root_propagation(config.binds),
        ),
    )


def arguments(config: "ContainerConfig", image: "Image") -> tuple[str, ...]:
    """What runs: an entrypoint asked for replaces both of the image's words."""
    if config.entrypoint is None:
        args = (*image.entrypoint, *(config.command or image.cmd))
    else:
        args = (*config.entrypoint, *config.command)
        args = args[1:] if args[:1] == ("",) else args
    if not args:
        raise InvalidInputError(
            "no command is given and the image has none", hint="write one after the image"
        )
    return args


def granted(config: "ContainerConfig", own: tuple[str, ...]) -> tuple[str, ...]:
    """The capabilities of a container, by number; ``own`` are the caller's, for privileged ones."""
    added = _named(config.cap_add)
    dropped = _named(config.cap_drop)
    if config.privileged:
        kept = set(own)
    elif dropped is None and added is None:
        raise InvalidInputError("capabilities: ALL is both added and dropped")
    elif dropped is None:
        kept = added or set()
    elif added is None:
        kept = set(own) - dropped
    else:
        kept = (set(defaults.CAPABILITIES) | added) - dropped
    return tuple(name for name in linux_capabilities.NAMES if name in kept)


def _named(names: tuple[str, ...]) -> "set[str] | None":
    """Capabilities with ``CAP_``; None is all of them."""
    if any(name.upper() in ("ALL", "CAP_ALL") for name in names):
        return None
    return {linux_capabilities.canonical(name) for name in names}


def capability_sets(names: tuple[str, ...], *, uid: int) -> Capabilities:
    """The five sets of a process; nothing is inheritable (CVE-2022-24769), and a user that is
    not root holds none until it runs a program that grants them.
    """
    held = names if uid == 0 else ()
    return Capabilities(bounding=names, effective=held, permitted=held)


def _process(config: "ContainerConfig", image: "Image", context: Context) -> Process:
    workdir = config.workdir or image.workdir or "/"
    if not workdir.startswith("/"):
        raise InvalidInputError(
            f"the working directory '{workdir}' is not an absolute path", hint="begin it with /"
        )
    account = context.account
    base = [f"PATH={defaults.PATH}", f"HOSTNAME={_hostname(config, context)}"]
    if config.tty:
        base.append("TERM=xterm")
    asked = merge_env(base, image.env, config.env)
    names = granted(config, context.capabilities)
    return Process(
        args=arguments(config, image),
        cwd=workdir,
        env=merge_env([f"HOME={account.home}"], asked)
        if not any(text.startswith("HOME=") for text in asked)
        else asked,
        terminal=config.tty,
        console_size=console_size(config.rows, config.columns),
        user=User(uid=account.uid, gid=account.gid, additional_gids=account.groups),
        capabilities=capability_sets(names, uid=account.uid),
        rlimits=rlimits(config),
        no_new_privileges=config.no_new_privileges,
        oom_score_adj=config.oom_score_adj or None,
        apparmor_profile="" if config.apparmor == "unconfined" else config.apparmor,
    )


def console_size(rows: int, columns: int) -> ConsoleSize | None:
    """The size that a terminal has from its first moment; None where nobody knows."""
    return ConsoleSize(height=rows, width=columns) if rows else None


def _hostname(config: "ContainerConfig", context: Context) -> str:
    if config.hostname:
        return config.hostname
    return context.node_name if _shares_network(config) else context.id[:12]


def _namespaces(config: "ContainerConfig", context: Context) -> tuple[Namespace, ...]:
    made = [Namespace(type="mount")]
    if config.uts != "host":
        made.append(Namespace(type="uts"))
    if config.cgroupns != "host":
        made.append(Namespace(type="cgroup"))
    if config.pid != "host":
        made.append(Namespace(type="pid", path=context.pid_path))
    if config.ipc != "host":
        made.append(Namespace(type="ipc", path=context.ipc_path))
    if config.network != "host":
        made.append(Namespace(type="network", path=context.net_path))
    return tuple(made)


def _shares_network(config: "ContainerConfig") -> bool:
    return config.network == "host" or config.network.startswith("container:")


def check_modes(config: "ContainerConfig") -> None:
    """Refuse the modes that are not built, each with one sentence."""
    check_network(config)
    _check_mode("ipc", config.ipc, ("private", "shareable", "none", "host"), joins=True)
    _check_mode("pid", config.pid, ("host",), joins=True)
    _check_mode("uts", config.uts, ("host",))
    _check_mode("cgroupns", config.cgroupns, ("private", "host"))
    if config.uts == "host" and (config.hostname or config.domainname):
        raise InvalidInputError(
            "a container that shares the host's name cannot have its own",
            hint="leave out --hostname, or --uts host",
        )
    if config.userns not in ("", "host"):
        raise UnsupportedError(
            f"userns '{config.userns}' is not supported", hint="leave it out, or use host"
        )
    if config.restart and config.auto_remove:
        raise InvalidInputError("--restart and --rm exclude each other", hint="leave out one")


def _check_mode(what: str, value: str, known: tuple[str, ...], *, joins: bool = False) -> None:
    if value in ("", *known) or (joins and value.startswith("container:") and value[10:]):
        return
    names = " ".join((*known, *(("container:NAME",) if joins else ())))
    raise InvalidInputError(f"{what}: '{value}' is none of {names}")


_SHM = "/dev/shm"  # noqa: S108 - the container's own
_QUIET = ("nosuid", "noexec", "nodev")


def _default_mounts(config: "ContainerConfig", context: Context) -> tuple[Mount, ...]:
    """Docker's mounts, without those that a mount asked for takes the place of."""
    kernel = "rw" if config.privileged else "ro"
    terminals = ("newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
    mounts = [
        _kernel_mount("/proc", "proc", *_QUIET),
        _kernel_mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _kernel_mount("/dev/pts", "devpts", "nosuid", "noexec", *terminals),
        _kernel_mount("/sys", "sysfs", *_QUIET, kernel),
        _kernel_mount("/sys/fs/cgroup", "cgroup", *_QUIET, kernel),
    ]
    mounts.append(_kernel_mount("/dev/mqueue", "mqueue", *_QUIET))
    shm = context.shm or (_SHM if config.ipc == "host" else "")
    if shm:  # a new mqueue mount shows the queues of the namespace; its shm is a mount
        options = ("rbind", *_QUIET)
        mounts.append(Mount(destination=_SHM, type="bind", source=shm, options=options))
    elif config.ipc != "none":
        size = f"size={(config.shm_size or defaults.SHM_SIZE) >> 10}k"
        mounts.append(_kernel_mount(_SHM, "tmpfs", *_QUIET, "mode=1777", size))
    taken = {bind.target for bind in config.binds} | {tmpfs.target for tmpfs in config.tmpfs}
    return tuple(mount for mount in mounts if mount.destination not in taken)


def _kernel_mount(path: str, kind: str, *options: str) -> Mount:
    return Mount(destination=path, type=kind, source=kind, options=options)


def _files(context: Context) -> tuple[Mount, ...]:
    """The image's own trees, then the private copies of files that a network needs."""
    trees = [
        Mount(destination=inside, type="bind", source=outside, options=("rbind", "rro", "rprivate"))
        for outside, inside in context.image_binds
    ]
    files = [
        Mount(destination=inside, type="bind", source=outside, options=("rbind", "rprivate"))
        for inside, outside in context.files
    ]
    return (*trees, *files)


def _asked_mounts(config: "ContainerConfig") -> tuple[Mount, ...]:
    """Volumes and tmpfs, outer ones first so that none hides another."""
    asked: list[Mount] = [_bind(bind) for bind in config.binds]
    asked += [_tmpfs(tmpfs) for tmpfs in config.tmpfs]
    seen: set[str] = set()
    for mount in asked:
        if mount.destination.rstrip("/") in seen:
            raise InvalidInputError(f"two mounts are asked for at '{mount.destination}'")
        seen.add(mount.destination.rstrip("/"))
    return tuple(sorted(asked, key=lambda mount: mount.destination.rstrip("/").count("/")))


def _bind(bind: "Bind") -> Mount:
    options = ("rbind", "rro" if bind.read_only else "rw", bind.propagation)
    return Mount(destination=bind.target, type="bind", source=bind.source, options=options)


def _tmpfs(tmpfs: "Tmpfs") -> Mount:
    return Mount(destination=tmpfs.target, type="tmpfs", source="tmpfs", options=tmpfs.options)


def _root_propagation(binds: "tuple[Bind, ...]") -> str:
    """A bind that shall pass mounts on needs a root that does (runtime-spec, rootfsPropagation)."""
    asked = {bind.propagation.removeprefix("r") for bind in binds}
    if "shared" in asked:
        return "rshared"
    return "rslave" if "slave" in asked else "rprivate"


def _filter(config: "ContainerConfig") -> "Mapping[str, object] | None":
    """The system call filter: an empty one stands for the runtime's default profile."""
    if config.seccomp == "unconfined" or (config.privileged and not config.seccomp):
        return None
    if not config.seccomp:
        return {}
    import json  # noqa: PLC0415 - few ask for a profile of their own

    try:
        profile = json.loads(config.seccomp)
    except ValueError as error:
        raise InvalidInputError(f"seccomp: the profile is no JSON: {error}") from None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise InvalidInputError("seccomp: the profile is no object with a 'defaultAction'")
    return profile
