"""From a stored container to the runtime's request: directories, files, whom it runs as."""

import os

from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.core.record import record
from toolkit.core.undo import Undo
from toolkit.engine import machine, netfiles
from toolkit.engine.events import EventLog
from toolkit.engine.layers import read_file
from toolkit.engine.logplan import plan as plan_log
from toolkit.engine.minding import minding, socket_path
from toolkit.engine.spec import Context, to_spec
from toolkit.engine.stored import labels
from toolkit.engine.users import Account, add_groups, resolve_user
from toolkit.oci.spec import Spec
from toolkit.runtime.request import Overlay, StartRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import Bind, ContainerConfig
    from toolkit.engine.netfiles import Place
    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import PlainImage, Stored

_MEMORY_ROOT = "tmpfs:"


@record
class Joins:
    """The namespaces of others that a container enters, as paths; ``shm`` goes with ``ipc``."""

    pid: str = ""
    network: str = ""
    ipc: str = ""
    shm: str = ""


NO_JOINS = Joins()


@record
class Prepared:
    """A container about to be made: what the runtime gets, and what has to exist before.

    ``shm`` is the directory of the shared memory that it lets others share.
    ``keep`` is a caller's directory that takes what is written, in place of ``directory``.
    """

    id: str
    name: str
    spec: Spec
    stored: "Stored"
    directory: str
    shm: str = ""
    keep: str = ""


def prepare(
    settings: "Settings", container: str, stored: "Stored", *, name: str, joins: Joins = NO_JOINS
) -> Prepared:
    """Work everything out; nothing is made yet, so a refusal leaves nothing."""
    directory = settings.container_dir(container)
    config, image = stored.config, stored.image
    if config.volumes:
        from toolkit.engine.mounting import with_binds  # noqa: PLC0415 - few have volumes

        config = with_binds(config, settings)
    other = config.network.partition(":")[2]
    shareable = settings.shm_dir(container) if config.ipc == "shareable" else ""
    context = Context(
        id=container,
        account=account(config.user or image.config.user, _layers(directory, image), config),
        node_name=_node_name(settings, other),
        capabilities=machine.own_capabilities(),
        devices=machine.host_devices() if config.privileged else (),
        files=netfiles.paths(settings.container_dir(other) if other else directory),
        image_binds=image.binds,
        pid_path=joins.pid,
        net_path=joins.network,
        ipc_path=joins.ipc,
        shm=joins.shm or shareable,
        swap_limit=bool(config.memory) and machine.counts_swap(),
        asked_devices=tuple(
            found
            for ask in config.devices
            for found in machine.asked_device(ask.source, ask.target, ask.access)
        ),
        rates=tuple(
            (one.kind, *machine.device_number(one.path), one.rate) for one in config.device_rates
        ),
    )
    spec = to_spec(config, image.config, context)
    return Prepared(
        id=container, name=name, spec=spec, stored=stored, directory=directory, shm=shareable
    )


def account(user: str, layers: tuple[str, ...], config: "ContainerConfig") -> Account:
    """Whom ``user`` means in an image, with the groups that the container asks for."""
    group = read_file(layers, "etc/group").decode(errors="replace")
    passwd = read_file(layers, "etc/passwd").decode(errors="replace")
    found = resolve_user(user, passwd, group)
    return add_groups(found, config.group_add, group) if config.group_add else found


def _node_name(settings: "Settings", container: str) -> str:
    """The host's name, or that of the container whose network is shared."""
    if not container:
        return os.uname().nodename
    try:
        with open(f"{settings.container_dir(container)}/hostname", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return container[:12]  # it was removed, and this one lives on


def _layers(directory: str, image: "PlainImage") -> tuple[str, ...]:
    upper = f"{directory}/upper"
    return (upper, *image.lower) if os.path.isdir(upper) else image.lower


def make_directories(prepared: Prepared, undo: "Undo") -> None:
    """Make what a container keeps, and the host directories of volumes as Docker does.

    ``undo`` takes back the directories of volumes; the container's own goes with its row.
    """
    directory = prepared.directory
    os.makedirs(os.path.dirname(directory), mode=0o710, exist_ok=True)
    os.mkdir(directory, 0o710)
    root = os.stat(prepared.stored.image.lower[0])
    for name in ("upper", "work"):
        path = f"{directory}/{name}"
        os.mkdir(path)
        os.chmod(path, root.st_mode & 0o7777)  # the root of the overlay shows the upper's mode
        os.chown(path, root.st_uid, root.st_gid)
    for bind in prepared.stored.config.binds:
        _make_source(bind, undo)


def write_files(prepared: Prepared, place: "Place | None" = None) -> None:
    """The private copies of ``/etc/hosts`` and its like, anew for each start."""
    config = prepared.stored.config
    if prepared.shm:
        os.makedirs(prepared.shm, exist_ok=True)
        os.chmod(prepared.shm, 0o1777)  # noqa: S103 - as /dev/shm is
    if config.network.startswith("container:"):
        return  # it has those of the other one
    netfiles.write(
        prepared.directory,
        netfiles.Names(
            hostname=prepared.spec.hostname,
            host_network=config.network == "host",
            place=place,
            add_hosts=config.add_hosts,
            dns=config.dns,
            dns_search=config.dns_search,
            dns_options=config.dns_options,
        ),
    )


def _make_source(bind: "Bind", undo: "Undo") -> None:
    """A missing host directory is made; what was made goes again if the container is not made."""
    missing = []
    path = bind.source.rstrip("/") or "/"
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    if not os.path.exists(bind.source) and not missing:
        raise NotFoundError(f"volume '{bind.source}' is a link that leads nowhere")
    for made in reversed(missing):
        try:
            os.mkdir(made, 0o755)
        except OSError as error:
            raise InvalidInputError(f"volume '{bind.source}': {error.strerror}") from None
        undo.callback(_remove_empty, made)


def _remove_empty(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:  # someone uses it by now, so it is theirs
        return


def start_request(
    settings: "Settings",
    prepared: Prepared,
    *,
    passthrough: bool = False,
    hold: bool = False,
    background: bool = False,
) -> StartRequest:
    """What the launcher is asked.

    ``passthrough`` hands the caller's descriptors straight on; with ``hold`` the program waits.
    In the ``background`` its input stays open for those who attach later.
    """
    config, directory = prepared.stored.config, prepared.directory
    parent = config.cgroup_parent.strip("/") or settings.cgroup_parent
    state_dir = settings.state_dir(prepared.id)
    gone = (state_dir, directory) if config.auto_remove else (state_dir,)
    if config.ipc == "shareable":
        gone = (*gone, settings.shm_dir(prepared.id))
    log = plan_log(config, prepared.id, prepared.name)
    return StartRequest(
        id=prepared.id,
        spec=prepared.spec,
        state_dir=state_dir,
        overlay=overlay(settings, prepared),
        cgroup=f"{parent}/{prepared.id}",
        log=f"{directory}/log.json" if log.kept and not passthrough else "",
        log_size=log.size,
        log_files=log.files,
        journal=() if passthrough else log.journal,
        exit_file="" if config.auto_remove else f"{directory}/exit.json",
        remove=gone,
        passthrough=passthrough,
        hold=hold,
        open_input=config.interactive and (config.detach or background) and not config.stdin_once,
        init=config.init,
        events=EventLog(settings.run_root).path,
        actor=actor(prepared),
        wake=socket_path(settings) if config.restart else "",
        after=minding(settings, prepared.id) if config.restart else (),
    )


def actor(prepared: Prepared) -> tuple[str, ...]:
    """What events say of a container, as ``K=V``."""
    stored = prepared.stored
    image = stored.config.image or stored.config.rootfs
    return (*labels(stored), f"image={image}", f"name={prepared.name}")


def overlay(settings: "Settings", prepared: Prepared) -> Overlay:
    """The writable layer lies in the container's directory, or in memory where it cannot.

    overlayfs takes no upper layer that is itself on an overlay, or inside one of its lower ones.
    """
    lower, directory = prepared.stored.image.lower, prepared.directory
    real = os.path.realpath(settings.data_root)
    inside = any(_holds(os.path.realpath(layer), real) for layer in lower)
    if prepared.keep:
        return _kept(prepared, lower)
    if machine.is_overlay(directory) or (inside and not prepared.stored.image.digest):
        return Overlay(lower=lower, upper=_MEMORY_ROOT)
    return Overlay(
        lower=lower,
        upper=f"{directory}/upper",
        work=f"{directory}/work",
        volatile=prepared.stored.config.auto_remove,
    )


def _kept(prepared: Prepared, lower: tuple[str, ...]) -> Overlay:
    """The writable layer in a directory of the caller's."""
    if machine.is_overlay(prepared.keep):
        raise UnsupportedError(
            "the data root lies on an overlay, which cannot keep what a container writes",
            hint="choose another one with --data-root",
        )
    upper, work = f"{prepared.keep}/upper", f"{prepared.keep}/work"
    return Overlay(lower=lower, upper=upper, work=work, volatile=True)


def _holds(outer: str, inner: str) -> bool:
    return os.path.commonpath((outer, inner)) == outer
