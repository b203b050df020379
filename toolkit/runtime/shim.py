"""One process a container, between it and everybody else; outlives launcher and engine.

It makes the state directory, the cgroup and the stdio, forks the init, tells its clients how it
goes, waits for the end, and takes everything down again. Each thing made registers its undoing at
once, so a failure at any step leaves nothing.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

from toolkit.core.errors import ConflictError
from toolkit.core.record import record, replace
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.linux.process import set_name
from toolkit.runtime import groups, init, joins, messages, states
from toolkit.runtime.descriptors import keep_only, shared_pipe
from toolkit.runtime.failures import describe
from toolkit.runtime.logfile import JsonLog, timestamp
from toolkit.runtime.monitor import Child, Monitor, end
from toolkit.runtime.plan import Plan
from toolkit.runtime.relay import Relay
from toolkit.runtime.steps import Steps
from toolkit.runtime.trees import put, remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from toolkit.cgroup.group import Cgroup
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import StartRequest

_LOST = 125


@record
class Prepared:
    """What the launcher worked out: the steps below the root, the compiled filter or ``b""``."""

    plan: Plan
    program: bytes


@record
class Job:
    """One request as the launcher hands it over; ``raw`` is its JSON.

    ``prepared`` may be the reason why it cannot start: the shim reports that like any other.
    """

    request: StartRequest
    prepared: Prepared | Exception
    raw: bytes
    stdio: tuple[int, int, int]
    session: Socket
    steps: Steps


def run(job: Job) -> NoReturn:
    """Be the shim of one container, to its end."""
    status = _LOST
    try:
        settle(job.stdio, job.session, "dockyard-shim")
        status = Shim(job).run()
    except BaseException as error:  # noqa: BLE001 - a fork must never return into the launcher's loop
        _complain(job, error)
    finally:
        os._exit(status)


def settle(stdio: tuple[int, int, int], session: Socket, name: str) -> None:
    """Leave the launcher's session, descriptors and signal handling behind."""
    os.setpgid(0, 0)  # no setsid: the launcher's session has no terminal, and it costs 0.2 ms
    keep_only((*stdio, session.fileno()))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    set_name(name)


def _complain(job: Job, error: BaseException) -> None:
    try:
        messages.send(job.session, {"event": "error", **describe(error, job.steps.now)})
    except OSError:
        os._exit(_LOST)  # the client left before it could hear why


class Shim:
    """Makes one container, watches it, and undoes it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._request = job.request
        self._steps = job.steps
        self._prepared = Prepared(plan=Plan(mounts=(), devices=(), protect=()), program=b"")
        self._log: JsonLog | None = None
        self._state = states.State(
            id=job.request.id, status=states.CREATING, pid=0, cgroup={}, created=timestamp()
        )

    def run(self) -> int:
        """From nothing to nothing; 0, or 125 where the program never ran."""
        farewell: dict[str, Any]
        with ExitStack() as undo:
            undo.callback(self._remove)
            with ExitStack() as attempt:
                monitor, group = self._make(undo, attempt)
                status = monitor.run()
                if monitor.failure is None:
                    attempt.pop_all()
            oom = groups.was_out_of_memory(group)
            if monitor.failure is None:
                farewell = self._ended(status, oom=oom)
            else:
                farewell = {"event": "error", **monitor.failure}
        monitor.tell(farewell)
        return 0 if monitor.failure is None else _LOST

    def _make(self, undo: ExitStack, attempt: ExitStack) -> tuple[Monitor, Cgroup]:
        """Make everything; ``attempt`` is undone only if the program never runs."""
        request, steps = self._request, self._steps
        steps.enter("request")
        if isinstance(self._job.prepared, Exception):
            raise self._job.prepared
        self._prepared = self._job.prepared
        steps.enter("state")
        self._make_state_dir(attempt)
        steps.enter("stdio")
        stdio, relay = self._stdio(undo)
        steps.enter("fork")
        child = self._fork(stdio, relay)
        undo.callback(end, child.pid)
        steps.enter("cgroup")
        group = groups.make(request)
        undo.callback(group.remove)
        steps.enter("join")
        _hand_over(child.link, group)
        monitor = Monitor(child, [self._job.session])
        steps.enter("listen")
        socket_path = f"{request.state_dir}/shim.sock"
        monitor.serve(messages.listen(socket_path))
        undo.callback(_unlink, socket_path)
        steps.enter("record")
        self._note_start(child.pid, group)
        monitor.on_held = lambda: self._note_status(states.CREATED)
        if request.hold:
            monitor.on_running = lambda: self._note_status(states.RUNNING)
        steps.enter("relay")
        return monitor, group

    def _make_state_dir(self, attempt: ExitStack) -> None:
        path = self._request.state_dir
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            raise ConflictError(
                f"container '{self._request.id}' exists already: '{path}'",
                hint="choose another name, or remove the old one",
            ) from None
        attempt.callback(remove_tree, path)
        states.write_request(path, self._job.raw)
        if self._prepared.program:
            put(f"{path}/seccomp.bpf", self._prepared.program)

    def _stdio(self, undo: ExitStack) -> tuple[tuple[int, int, int], Relay]:
        """The container's descriptors and what moves bytes between them and the client's."""
        relay = Relay()
        request, client = self._request, self._job.stdio
        log = self._log = JsonLog(request.log)
        undo.callback(log.close)
        if request.passthrough or (request.spec.process and request.spec.process.terminal):
            return client, relay
        return piped(client, relay, log)

    def _fork(self, stdio: tuple[int, int, int], relay: Relay) -> Child:
        ours, theirs = messages.pair()
        pid = fork_init(
            init.Order(
                request=self._request,
                plan=self._prepared.plan,
                stdio=stdio,
                link=theirs,
                program=self._prepared.program,
                steps=self._steps,
            )
        )
        theirs.close()
        if stdio is not self._job.stdio:
            for fd in stdio:
                os.close(fd)
        assert self._log is not None
        return Child(pid=pid, link=ours, stdio=self._job.stdio, note=self._log.write, relay=relay)

    def _note_start(self, pid: int, group: Cgroup) -> None:
        shim = os.getpid()
        status = states.CREATING if self._request.hold else states.RUNNING
        self._state = replace(
            self._state,
            status=status,
            pid=pid,
            started=states.start_time(pid),
            shim_pid=shim,
            shim_started=states.start_time(shim),
            cgroup=dict(group.paths),
        )
        states.write_state(self._request.state_dir, self._state)

    def _note_status(self, status: str) -> None:
        states.check_move(self._request.id, self._state.status, status)
        self._state = replace(self._state, status=status)
        states.write_state(self._request.state_dir, self._state)

    def _ended(self, status: int, *, oom: bool) -> dict[str, Any]:
        ending = {"status": status, "oom": oom, "finished": timestamp()}
        if self._request.exit_file:
            put(self._request.exit_file, messages.encode(ending).encode(), mode=0o644)
        if self._request.state_dir not in self._request.remove:
            self._state = replace(self._state, pid=0, shim_pid=0, status=states.STOPPED)
            states.write_state(self._request.state_dir, self._state)
        return {"event": "exit", **ending}

    def _remove(self) -> None:
        for path in self._request.remove:
            remove_tree(path)


def fork_init(order: init.Order) -> int:
    """Fork the init into its pid namespace; its pid as this process sees it."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        moved = joins.enter_pid_namespace(order.request.spec)
        pid = os.fork()
        if not pid:
            init.run(order)
        if moved:
            setns(home, NamespaceFlag.PID)  # the keeper is no child of the container
    finally:
        os.close(home)
    return pid


def piped(
    client: tuple[int, int, int], relay: Relay, log: JsonLog
) -> tuple[tuple[int, int, int], Relay]:
    """Pipes as stdio, relayed to and from the client."""
    stdin, feed = os.pipe2(os.O_CLOEXEC)
    relay.input(client[0], feed)
    output, stdout = shared_pipe()
    errors, stderr = shared_pipe()
    relay.output(output, client[1], lambda data: log.write("stdout", data))
    relay.output(errors, client[2], lambda data: log.write("stderr", data))
    for fd in client:
        os.close(fd)
    return (stdin, stdout, stderr), relay


def _hand_over(link: Socket, group: Cgroup) -> None:
    try:
        messages.send(link, {"cgroup": group.paths})
    except BrokenPipeError:
        return  # the init has failed already, and what it said is still to be read


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
