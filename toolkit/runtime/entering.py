"""A process that joins a running container: all that its init has, then the program.

The forked process gets the container's cgroup, namespaces, system call filter and, unless others
are asked for, the capabilities and limits of the container's own process, never the defaults.
"""

from __future__ import annotations

import os

from toolkit.cgroup.group import enter
from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.record import record, replace
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.linux.process import pidfd_open
from toolkit.linux.signals import signal
from toolkit.runtime import gate, identity, init, joins, messages, states, terminal
from toolkit.runtime.root import Root
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from toolkit.oci.spec import Process
    from toolkit.runtime.gate import Caller
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import ExecRequest
    from toolkit.runtime.states import State

# Once it has joined, this process finds the container's files where the host's were, and must not
# import from there: what init imports late, it has imported now.
_LATE = (terminal,)
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
    """The process to be, its filter, and the ``namespaces`` that it joins."""

    process: Process
    program: bytes
    namespaces: int


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
    if state.status in (states.STOPPED, states.PAUSED):
        raise ConflictError(f"container '{request.id}' is {state.status}")
    pidfd = pidfd_open(state.pid)
    if states.start_time(state.pid) != state.started:
        raise ConflictError(f"container '{request.id}' has just ended")
    return state, pidfd


def inherit(request: ExecRequest) -> Model:
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
        )
    listed = {} if original is None else joins.wanted(original.spec)
    namespaces = _JOINED
    for name, flag in _SELDOM.items():
        namespaces |= flag if name in listed else NamespaceFlag.NONE
    return Model(
        process=process,
        program=_filter(request.state_dir),
        namespaces=namespaces,
    )


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
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(entry.pidfd, NamespaceFlag.PID)
        pid = os.fork()
        if not pid:
            _enter(entry)
        setns(home, NamespaceFlag.PID)
    finally:
        os.close(home)
    return pid


def _enter(entry: Entry) -> NoReturn:
    try:
        _become(entry)
    except BaseException as error:  # noqa: BLE001 - as in run
        init.report(entry.link, entry.steps, error)
    finally:
        os._exit(_LOST)


def _become(entry: Entry) -> NoReturn:
    steps, process = entry.steps, entry.model.process
    foreign = bool(entry.model.namespaces & NamespaceFlag.USER)
    steps.enter("privacy")
    preserved = range(_STDIO, _STDIO + entry.preserve)
    init.become_private((*entry.stdio, entry.link.fileno(), entry.pidfd, *preserved))
    steps.enter("join")
    enter(dict.fromkeys(entry.state.cgroup.values()))
    steps.enter("process")
    init.prepare(process)
    steps.enter("namespaces")
    setns(entry.pidfd, entry.model.namespaces)
    if foreign:
        identity.own_namespace()
    os.setsid()
    os.close(entry.pidfd)
    stdio = entry.stdio
    if process.terminal:
        steps.enter("terminal")
        root = Root(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        slave = init.open_terminal(entry.link, root, process)
        stdio = (slave, slave, slave)
    init.finish(
        init.Last(
            process=process,
            stdio=stdio,
            program=entry.model.program,
            link=entry.link,
            own=entry.own or process.terminal,
            steps=steps,
            preserve=entry.preserve,
        )
    )


def enter_container(request: ExecRequest, caller: Caller) -> int:
    """Run one more process in a running container; its pid, as soon as its program runs."""
    state, pidfd = container(request)
    model = inherit(request)
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
