"""A process that joins a running container: all that its init has, then the program.

The forked process gets the container's cgroup, namespaces, system call filter and, unless others
are asked for, the capabilities and limits of the container's own process, never the defaults.
"""

from __future__ import annotations

import errno
import os

from toolkit.cgroup.files import enter
from toolkit.cgroup.layout import UNIFIED
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import record, replace
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.linux.process import pidfd_open
from toolkit.linux.signals import signal
from toolkit.runtime import becoming, gate, hooks, identity, joins, messages, states
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from toolkit.oci.spec import Process
    from toolkit.runtime.gate import Caller
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import ExecRequest
    from toolkit.runtime.states import State

_LOST = 125
_STDIO = 3
_JOINED = (
    NamespaceFlag.MOUNT
    | NamespaceFlag.UTS
    | NamespaceFlag.IPC
    | NamespaceFlag.NETWORK
    | NamespaceFlag.CGROUP
)
_SELDOM = {"user": NamespaceFlag.USER, "time": NamespaceFlag.TIME}


@record
class Model:
    """The process to be, its filter as ``becoming.read_filter`` takes it, and what it joins.

    ``fds`` go to the forked process and are closed in this one.
    """

    process: Process
    filter: dict[str, Any]
    fds: tuple[int, ...]
    namespaces: int
    groups: tuple[str, ...]
    personality: Mapping[str, object] | None


@record
class Entry:
    """What the forked process needs to become the program; ``preserve``: see ``init.Hatchling``."""

    model: Model
    state: State
    pidfd: int
    stdio: tuple[int, int, int]
    link: Socket
    own: bool
    steps: Steps
    preserve: int = 0


def container(request: ExecRequest) -> tuple[State, int]:
    """The running container and a descriptor of its init, which nobody can have replaced."""
    state = states.read_state(request.state_dir)
    if state is None:
        raise NotFoundError(f"there is no container '{request.id}'")
    if state.status == states.STOPPED or (state.status == states.PAUSED and not request.paused):
        raise ConflictError(f"container '{request.id}' is {state.status}")
    pidfd = pidfd_open(state.pid)
    if states.start_time(state.pid) != state.started:
        raise ConflictError(f"container '{request.id}' has just ended")
    return state, pidfd


def inherit(request: ExecRequest, state: State) -> Model:
    """The process with what it takes over from the container's, and how to get there."""
    process = request.process
    original = states.read_request(request.state_dir)
    model = original.spec.process if original is not None else None
    if model is not None:
        process = replace(
            process,
            capabilities=process.capabilities or model.capabilities,
            rlimits=process.rlimits or model.rlimits,
            no_new_privileges=process.no_new_privileges or model.no_new_privileges,
            apparmor_profile=process.apparmor_profile or model.apparmor_profile,
            selinux_label=process.selinux_label or model.selinux_label,
            io_priority=process.io_priority or model.io_priority,
            scheduler=process.scheduler or model.scheduler,
            exec_cpu_affinity=process.exec_cpu_affinity or model.exec_cpu_affinity,
        )
    listed = {} if original is None else joins.wanted(original.spec)
    namespaces = _JOINED
    for name, flag in _SELDOM.items():
        namespaces |= flag if name in listed else NamespaceFlag.NONE
    program = _filter(request.state_dir)
    told: dict[str, Any] = {"filter": program.hex()}
    fds: list[int] = []
    personality = None
    if original is not None:
        profile = original.spec.linux.seccomp if program else None
        fds = becoming.beside_filter(told, profile, hooks.told(original, state))
        personality = original.spec.linux.personality
    return Model(
        process=process,
        filter=told,
        fds=tuple(fds),
        namespaces=namespaces,
        groups=_groups(state, request.cgroup),
        personality=personality,
    )


def _groups(state: State, below: str) -> tuple[str, ...]:
    """The directories of the container's groups, or of those ``below`` them.

    ``controller:path`` names one below the group of that controller alone (cgroup v1).
    """
    name, colon, path = below.rpartition(":")
    names = name.split(",") if colon else list(state.cgroup)
    if ".." in path.split("/") or not set(names) <= set(state.cgroup):
        raise InvalidInputError(f"'{below}' is no cgroup below the container's")
    found = dict(state.cgroup)
    for controller in names if path.strip("/") else ():
        found[controller] = f"{found[controller]}/{path.strip('/')}"
        if not os.path.isdir(found[controller]):
            raise NotFoundError(f"there is no cgroup '{found[controller]}'")
    return tuple(dict.fromkeys(found.values()))


def _filter(state_dir: str) -> bytes:
    try:
        with open(f"{state_dir}/seccomp.bpf", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def fork(entry: Entry) -> int:
    """Fork the process that becomes the program; its pid as this process sees it."""
    if entry.model.namespaces & NamespaceFlag.USER:
        from toolkit.runtime.usernest import give_stdio  # noqa: PLC0415 - few containers have one

        give_stdio(entry.state.pid, entry.model.process, entry.stdio)
    if entry.model.process.terminal:
        # Once it has joined, the forked process finds the container's files where the host's were,
        # and must not import from there: what it imports late is imported now.
        from toolkit.runtime import root, terminal  # noqa: F401, PLC0415 - only for terminals
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(entry.pidfd, NamespaceFlag.PID)
        pid = os.fork()
        if not pid:
            _enter(entry)
        setns(home, NamespaceFlag.PID)
    finally:
        os.close(home)
        for fd in entry.model.fds:
            os.close(fd)
    return pid


def _enter(entry: Entry) -> NoReturn:
    try:
        _become(entry)
    except BaseException as error:  # noqa: BLE001 - as in run
        becoming.report(entry.link, entry.steps, error)
    finally:
        os._exit(_LOST)


def _become(entry: Entry) -> NoReturn:
    steps, process = entry.steps, entry.model.process
    foreign = bool(entry.model.namespaces & NamespaceFlag.USER)
    steps.enter("privacy")
    preserved = range(_STDIO, _STDIO + entry.preserve)
    kept = (*entry.stdio, entry.link.fileno(), entry.pidfd, *entry.model.fds, *preserved)
    becoming.become_private(kept)
    wanted = becoming.read_filter(entry.model.filter, list(entry.model.fds))
    steps.enter("join")
    affinity = process.exec_cpu_affinity
    if affinity is not None:
        _run_on(affinity.initial)
    _join(entry)
    if affinity is not None:
        _run_on(affinity.final)
    steps.enter("process")
    extras = becoming.prepare(process, entry.model.personality)
    steps.enter("namespaces")
    setns(entry.pidfd, entry.model.namespaces)
    if foreign:
        identity.own_namespace()
    os.setsid()
    os.close(entry.pidfd)
    stdio = entry.stdio
    if process.terminal:
        steps.enter("terminal")
        from toolkit.runtime.root import Root  # noqa: PLC0415 - fork has imported it

        root = Root(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        slave = becoming.open_terminal(entry.link, root, process)
        stdio = (slave, slave, slave)
    becoming.finish(
        becoming.Last(
            process=process,
            stdio=stdio,
            filter=wanted,
            link=entry.link,
            own=entry.own or process.terminal,
            steps=steps,
            preserve=entry.preserve,
            extras=extras,
        )
    )


def _run_on(listed: str) -> None:
    """See ``extras``."""
    from toolkit.runtime import extras  # noqa: PLC0415 - few ask for it

    extras.run_on(listed)


def _join(entry: Entry) -> None:
    """Enter the groups; where v2's takes nobody, for others are below it, the init's own."""
    try:
        enter(entry.model.groups)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EOPNOTSUPP) or UNIFIED not in entry.state.cgroup:
            raise
        from toolkit.runtime import groups  # noqa: PLC0415 - only for such; the files are the host's

        groups.enter_beside(entry.state.pid, entry.state.cgroup[UNIFIED])


def enter_container(request: ExecRequest, caller: Caller) -> int:
    """Run one more process in a running container; its pid, as soon as its program runs."""
    state, pidfd = container(request)
    model = inherit(request, state)
    ours, theirs = messages.pair()
    pid = fork(
        Entry(
            model=model,
            state=state,
            pidfd=pidfd,
            stdio=caller.stdio,
            link=theirs,
            own=True,
            steps=Steps(),
            preserve=caller.preserve,
        )
    )
    theirs.close()
    os.close(pidfd)
    try:
        failure = gate.outcome(ours, take_terminal=caller.take_terminal)
    except BaseException:  # a signal that ends this process
        os.kill(pid, signal.SIGKILL)
        raise
    if failure:
        os.waitpid(pid, 0)
        raise gate.StartFailedError(f"exec in container '{request.id}' failed", failure)
    return pid
