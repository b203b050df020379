"""One process a container, between it and everybody else; outlives launcher and engine.

It makes the state directory, the cgroup and the stdio, forks the init, tells its clients how it
goes, waits for the end, and takes everything down again. Each thing made registers its undoing at
once, so a failure at any step leaves nothing.
"""

from __future__ import annotations

import os

from toolkit.core.errors import ConflictError, UnsupportedError
from toolkit.core.files import remove_tree
from toolkit.core.record import replace
from toolkit.core.undo import Undo
from toolkit.runtime import eventlog, groups, hooks, joins, messages, nest, states
from toolkit.runtime.descriptors import shared_pipe
from toolkit.runtime.init import Hatchling
from toolkit.runtime.logfile import JsonLog, timestamp
from toolkit.runtime.monitor import Child, Monitor
from toolkit.runtime.relay import Relay
from toolkit.runtime.request import StartRequest
from toolkit.runtime.support import check_support
from toolkit.runtime.trees import put, set_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.cgroup.group import Cgroup
    from toolkit.runtime.job import Job
    from toolkit.runtime.journal import Journal
    from toolkit.runtime.nest import Nest


class Shim:
    """Makes one container, watches it, and undoes it."""

    def __init__(self, job: Job, *, shared: bool = False) -> None:
        assert isinstance(job.request, StartRequest)
        self._job = job
        self._shared = shared
        self._request = job.request
        self._undo = self._attempt = Undo()
        self._group = groups.NONE
        self._steps = job.steps
        self._log: JsonLog | Journal | None = None
        self._aside: list[str] = []
        self._state = states.State(
            id=job.request.id, status=states.CREATING, pid=0, cgroup={}, created=timestamp()
        )

    def run(self) -> None:
        """From nothing to nothing."""
        try:
            self.finish(self.begin().run())
        finally:
            self.sweep()

    def begin(self) -> Monitor:
        """Make the container; where that fails nothing is left."""
        with Undo() as undo, Undo() as attempt:
            undo.callback(self._set_aside)
            self.monitor, self._group = self._make(undo, attempt)
            self._undo, self._attempt = undo.pop_all(), attempt.pop_all()
        return self.monitor

    def finish(self, status: int) -> None:
        """It has ended: undo all, and tell.

        Whose name nobody can use again once its directories are gone is told as soon as they are;
        its group and its socket go right after.
        """
        failure = self.monitor.failure
        if failure is not None:
            self._attempt.close()
            self._undo.close()
            farewell = {"event": "error", **failure}
            self._note_end(farewell)
            self.monitor.tell(farewell)
            return
        farewell = self._ended(status, oom=groups.was_out_of_memory(self._group))
        if self._request.state_dir in self._request.remove:
            self._set_aside()
            self._note_end(farewell)
            self.monitor.tell(farewell)
            self._undo.close()
        else:
            self._undo.close()
            self._note_end(farewell)
            self.monitor.tell(farewell)
        if self._request.after:
            from toolkit.runtime.waking import wake  # noqa: PLC0415 - few want it

            wake(self._request.wake, self._request.id, self._request.after)

    def abandon(self) -> None:
        """Leave what could not be undone to whoever tidies up (``client.cleanup``)."""
        if os.path.isdir(self._request.state_dir):
            states.write_state(self._request.state_dir, replace(self._state, shim_pid=0))

    def sweep(self) -> None:
        """Empty what was set aside."""
        while self._aside:
            remove_tree(self._aside.pop())

    def _make(self, undo: Undo, attempt: Undo) -> tuple[Monitor, Cgroup]:
        """Make everything; ``attempt`` is undone only if the program never runs."""
        request, steps = self._request, self._steps
        program = self._check()
        steps.enter("state")
        self._make_state_dir(attempt)
        if program:
            put(f"{request.state_dir}/seccomp.bpf", program)
        steps.enter("stdio")
        stdio, relay = self._stdio(undo)
        made, group = self._hatch(undo, stdio)
        child = self._child(made, stdio, relay)
        steps.enter("join")
        made.admit(request, group, program, hooks.told(request, self._state))
        monitor = Monitor(child, [self._job.session])
        steps.enter("listen")
        socket_path = f"{request.state_dir}/shim.sock"
        monitor.serve(messages.listen(socket_path))
        undo.callback(_unlink, socket_path)
        steps.enter("record")
        self._note_start(child.pid, group)
        monitor.on_held = lambda: self._note_status(states.CREATED)
        monitor.on_running = self._runs
        steps.enter("relay")
        return monitor, group

    def _make_state_dir(self, attempt: Undo) -> None:
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

    def _stdio(self, undo: Undo) -> tuple[tuple[int, int, int], Relay]:
        """The container's descriptors and what moves bytes between them and the client's."""
        relay = Relay()
        request, client = self._request, self._job.stdio
        log = self._log = _open_log(request)
        undo.callback(log.close)
        if request.passthrough or (request.spec.process and request.spec.process.terminal):
            return client, relay
        return piped(client, relay, log, open_input=request.open_input)

    def _check(self) -> bytes:
        """Refuse what cannot be done; the compiled filter."""
        self._steps.enter("request")
        check_support(self._request.spec)
        if self._request.spec.hooks is not None:
            raise UnsupportedError("hooks are run for OCI bundles only")
        if self._request.overlay is not None and joins.has_user(self._request.spec):
            raise UnsupportedError("layers of an image have no user namespace yet")
        if self._request.spec.linux.seccomp is None:
            return b""
        from toolkit.runtime.filters import filter_program  # noqa: PLC0415 - json and re, 3 ms

        return filter_program(self._request)

    def _hatch(self, undo: Undo, stdio: tuple[int, int, int]) -> tuple[Nest, Cgroup]:
        """The init and its cgroup: on v2 the group first, so that the init is born in it.

        On v1 the group is made while the init is at work, which moves itself.
        """
        if groups.layout().kind == "v2":
            group = self._make_group(undo)
            made = self._nest(undo, group)
            made.welcome(self._request, stdio)
        else:
            made = self._nest(undo, None)
            made.welcome(self._request, stdio)
            group = self._make_group(undo)
            made.settle()
        return made, group

    def _child(self, made: Nest, stdio: tuple[int, int, int], relay: Relay) -> Child:
        if stdio is not self._job.stdio:
            for fd in stdio:
                os.close(fd)
        assert self._log is not None
        return Child(
            pid=made.pid,
            link=made.link,
            stdio=self._job.stdio,
            note=self._log.write,
            relay=relay,
        )

    def _make_group(self, undo: Undo) -> Cgroup:
        self._steps.enter("cgroup")
        group = groups.make(self._request)
        undo.callback(group.remove)
        return group

    def _nest(self, undo: Undo, group: Cgroup | None) -> Nest:
        """The init; born in the v2 ``group`` if given."""
        self._steps.enter("fork")
        fd = groups.open_unified(group)
        try:
            known = Hatchling(faults=self._job.faults, request=self._request)
            nursery = self._job.nursery
            if nursery is None:
                made = nest.hatch(known, fd)
            else:
                made = nest.order(nursery, self._job.raw, known, fd)
            if fd >= 0:
                made.settle()
        finally:
            if fd >= 0:
                os.close(fd)
        undo.callback(made.end)
        return made

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
            shim_shared=self._shared,
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

    def _runs(self) -> None:
        """The program runs, and nobody has heard of it yet."""
        if self._request.hold:
            self._note_status(states.RUNNING)
        self._tell_of("start", self._said())

    def _said(self) -> dict[str, str]:
        return dict(text.partition("=")[::2] for text in self._request.actor)

    def _tell_of(self, action: str, attributes: dict[str, str]) -> None:
        if self._request.events:
            event = eventlog.make("container", action, self._request.id, attributes)
            eventlog.append(self._request.events, event)

    def _note_end(self, farewell: dict[str, Any]) -> None:
        """Note it for those who were not there: nobody else need be about."""
        if farewell["event"] != "exit":
            return
        said = self._said()
        if farewell["oom"]:
            self._tell_of("oom", said)
        self._tell_of("die", {**said, "exitCode": str(farewell["status"])})
        if not self._request.exit_file:
            self._tell_of("destroy", said)

    def _set_aside(self) -> None:
        """Take the directories to remove out of sight, all at once; removing them takes longer.

        On ext4 each rmdir may wait for the journal: the client is told before.
        """
        for path in self._request.remove:
            aside = set_aside(path)
            if aside:
                self._aside.append(aside)


def _open_log(request: StartRequest) -> JsonLog | Journal:
    if request.journal:
        from toolkit.runtime.journal import Journal  # noqa: PLC0415 - few want it

        return Journal(request.journal)
    return JsonLog(request.log, size=request.log_size, files=request.log_files)


def piped(
    client: tuple[int, int, int], relay: Relay, log: JsonLog | Journal, *, open_input: bool = False
) -> tuple[tuple[int, int, int], Relay]:
    """Pipes as stdio, relayed to and from the client."""
    stdin, feed = os.pipe2(os.O_CLOEXEC)
    relay.input(client[0], feed, stays=open_input)
    output, stdout = shared_pipe()
    errors, stderr = shared_pipe()
    relay.output(output, client[1], lambda data: log.write("stdout", data))
    relay.output(errors, client[2], lambda data: log.write("stderr", data), stream=2)
    for fd in client:
        os.close(fd)
    return (stdin, stdout, stderr), relay


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
