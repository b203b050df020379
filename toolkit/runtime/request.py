"""What a client asks of a launcher: records that travel as JSON beside their descriptors."""

from __future__ import annotations

from toolkit.core.record import record
from toolkit.oci.decode import decode, encode
from toolkit.oci.spec import Process, Spec, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Overlay:
    """The layers of a root file system; ``lower[0]`` is the topmost.

    ``upper`` and ``work`` are directories of one file system, or ``upper`` is ``tmpfs:SIZE``
    (``tmpfs:64m``): then both lie on a tmpfs that only the container's mount namespace has.
    """

    lower: tuple[str, ...]
    upper: str
    work: str = ""
    volatile: bool = False


@record
class StartRequest:
    """One container to start.

    ``state_dir`` is made by the shim with mode 0700 and must not exist. ``cgroup`` is a path below
    the group that cgroups are made in (``dockyard/<id>``). ``log`` is the json-file log (``""``:
    none), ``exit_file`` gets the exit status as JSON. The directories in ``remove`` are removed
    after the exit (renamed to ``.gone-…`` before the client hears of it, emptied after); name
    ``state_dir`` there too for a container that leaves nothing.
    With ``passthrough`` the client's descriptors become the container's own; otherwise the shim
    relays them. ``hold`` makes the container and waits for ``begin`` before its program runs.
    ``bundle`` is the OCI bundle that the container was made of, if any; without ``new_keyring`` it
    shares its caller's session keyring; without ``pivot`` the host's root stays below its own.
    ``fault`` names a step that shall fail; only a launcher started for tests honours it.
    ``open_input``: the end of a client's input is not the end of the container's.
    With ``init`` the program is the child of a first process that reaps and hands on signals.
    A log of ``log_size`` bytes is set aside, and ``log_files`` of them are kept (0: it may grow);
    ``journal`` are fields, as ``K=V``, that go with each line to the system's journal instead.
    ``events`` is the log of events, where the end is noted with what ``actor`` says of the
    container, as ``K=V``. Once all is undone, whoever listens on the path ``wake`` is told the id;
    where nobody does, the command ``after`` is run.
    ``unit`` is the scope in which systemd, asked at ``bus``, makes the group; ``cgroup`` is its.
    """

    id: str
    spec: Spec
    state_dir: str
    cgroup: str
    overlay: Overlay | None = None
    log: str = ""
    exit_file: str = ""
    remove: tuple[str, ...] = ()
    passthrough: bool = False
    hold: bool = False
    bundle: str = ""
    new_keyring: bool = True
    open_input: bool = False
    init: bool = False
    log_size: int = 0
    log_files: int = 1
    journal: tuple[str, ...] = ()
    events: str = ""
    actor: tuple[str, ...] = ()
    wake: str = ""
    after: tuple[str, ...] = ()
    pivot: bool = True
    unit: str = ""
    bus: str = ""
    fault: str = ""


@record
class ExecRequest:
    """One more process in a running container.

    Without ``process.capabilities`` it gets those of the container's process; seccomp filter and
    namespaces are always the container's. ``cgroup`` is a group below the container's, that is
    there already; ``paused`` lets it wait in a paused container.
    """

    id: str
    state_dir: str
    process: Process
    passthrough: bool = False
    cgroup: str = ""
    paused: bool = False
    fault: str = ""


_KINDS = {"start": StartRequest, "exec": ExecRequest}


def to_data(request: StartRequest | ExecRequest) -> dict[str, Any]:
    """Plain data for ``json.dumps``; ``from_data`` reads it."""
    kind = "start" if isinstance(request, StartRequest) else "exec"
    data: dict[str, Any] = encode(request)
    return {"kind": kind, **data}


def from_data(data: dict[str, Any]) -> StartRequest | ExecRequest:
    """The request that ``to_data`` wrote, checked; ``InvalidInputError`` names the place."""
    kind = _KINDS[data["kind"]]
    request: StartRequest | ExecRequest = decode(kind, data, "request")
    if isinstance(request, StartRequest):
        check(request.spec, "request: spec")
    return request
