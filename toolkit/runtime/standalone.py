"""A container without a shim: whoever called for it waits for its process (OCI's way).

The init is a child of this process. When this process ends, the kernel hands the init on to the
nearest ancestor that takes orphans in, as conmon and containerd's shim do; they get its exit
status, and ``client.cleanup`` undoes the rest when they ask for it. Until then each thing made
registers its undoing, so a failure at any step leaves nothing.
"""

from __future__ import annotations

import os

from toolkit.core.errors import ConflictError, ToolkitError
from toolkit.core.files import remove_tree
from toolkit.core.record import replace
from toolkit.core.undo import Undo
from toolkit.runtime import gate, groups, hooks, messages, nest, states
from toolkit.runtime.init import Hatchling
from toolkit.runtime.logfile import timestamp
from toolkit.runtime.request import to_data
from toolkit.runtime.steps import Steps
from toolkit.runtime.support import check_support
from toolkit.runtime.trees import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.cgroup.group import Cgroup
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.nest import Nest
    from toolkit.runtime.request import StartRequest


class Standalone:
    """Makes one container; ``pid`` is its init's, ``warnings`` are of hooks after a failure.

    ``complete`` once it stands: from then on ``remove`` is what undoes it.
    """

    def __init__(self, request: StartRequest, caller: gate.Caller, *, faults: bool = False) -> None:
        self.pid = 0
        self.complete = False
        self.warnings: list[ToolkitError] = []
        self._caller = caller
        self._request = request
        self._faults = faults
        self._steps = Steps(request.fault if faults else "")
        self._failing = f"container '{request.id}' cannot start"
        self._state = states.State(
            id=request.id,
            status=states.CREATING,
            pid=0,
            cgroup={},
            created=timestamp(),
            bundle=request.bundle,
        )

    def remove(self) -> None:
        """Undo all that was made, once the process has ended; then the hooks of that moment."""
        group = groups.open_group(self._state.cgroup)
        group.kill()
        group.remove()
        groups.forget_unit(self._request)
        remove_tree(self._request.state_dir)
        self._after()

    def _after(self) -> None:
        """The life-cycle's last step, also where the container failed."""
        ended = replace(self._state, status=states.STOPPED, pid=0)
        told = hooks.told(self._request, ended)
        hooks.run_all(self._request.spec, "poststop", told, self.warnings.append)

    def make(self, note: Callable[[int], None]) -> None:
        """Make it and leave it waiting at its gate (``hold``), or have its program run.

        ``note`` hears its pid while all can still be undone.
        """
        try:
            self._make(note)
        except (ToolkitError, OSError):
            if self.pid:
                self._after()
            raise

    def _make(self, note: Callable[[int], None]) -> None:
        request, steps = self._request, self._steps
        steps.enter("request")
        program = self._check()
        with Undo() as undo:
            self._make_state_dir(undo)
            steps.enter("gate")
            if program:
                put(f"{request.state_dir}/seccomp.bpf", program)
            listener = gate.build(request.state_dir) if request.hold else None
            made, group = self._hatch(undo, listener)
            steps.enter("join")
            made.admit(request, group, program, hooks.told(request, self._state))
            steps.enter("record")
            self._note(states.CREATING)
            steps.enter("listen")
            self._listen(made.link)
            steps.enter("made")
            self._note(states.CREATED if request.hold else states.RUNNING)
            steps.enter("pid file")
            note(self.pid)
            steps.enter("leave")
            if request.hold:
                self._leave(made)
            else:
                hooks.run(request.spec, "poststart", hooks.told(request, self._state))
            self.complete = True
            undo.pop_all()

    def _check(self) -> bytes:
        spec = self._request.spec
        check_support(spec)
        groups.limits(spec.linux.resources).check()
        if self._request.unit:
            from toolkit.runtime import units  # noqa: PLC0415 - talks D-Bus

            units.check(self._request)
        if spec.linux.seccomp is None:
            return b""
        from toolkit.runtime.filters import filter_program  # noqa: PLC0415 - imports json

        return filter_program(self._request)

    def _make_state_dir(self, undo: Undo) -> None:
        path = self._request.state_dir
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            raise ConflictError(
                f"container '{self._request.id}' exists already",
                hint="delete it, or choose another id",
            ) from None
        undo.callback(remove_tree, path)
        self._steps.enter("state")
        states.write_request(path, messages.encode(to_data(self._request)).encode())

    def _hatch(self, undo: Undo, listener: Socket | None) -> tuple[Nest, Cgroup]:
        """The init and its cgroup: on v2 the group first, so that the init is born in it.

        systemd makes a group for a process only.
        """
        if groups.layout().kind == "v2" and not self._request.unit:
            group = self._make_group(undo)
            made = self._fork(listener, group)
            undo.callback(self._end)
        else:
            made = self._fork(listener, None)
            try:
                group = self._make_group(undo)
            finally:
                undo.callback(self._end)
        if listener is not None:
            listener.close()
        return made, group

    def _make_group(self, undo: Undo) -> Cgroup:
        if self._request.unit:
            from toolkit.runtime import units  # noqa: PLC0415 - talks D-Bus

            group = units.make(self._request, self.pid, undo)
        else:
            group = groups.make(self._request)
        undo.callback(group.remove)
        self._steps.enter("cgroup")
        self._state = replace(self._state, cgroup=dict(group.paths))
        return group

    def _fork(self, listener: Socket | None, group: Cgroup | None) -> Nest:
        self._steps.enter("fork")
        fd = groups.open_unified(group)
        known = Hatchling(
            faults=self._faults,
            request=self._request,
            listener=listener,
            preserve=self._caller.preserve,
        )
        try:
            made = nest.hatch(known, fd)
        finally:
            if fd >= 0:
                os.close(fd)
        self.pid = made.pid
        # Now: as soon as it has its stdio it may run, and end.
        self._state = replace(self._state, pid=made.pid, started=states.start_time(made.pid))
        made.welcome(self._request, self._caller.stdio)
        return made

    def _end(self) -> None:
        from toolkit.runtime.monitor import end  # noqa: PLC0415 - only a failure needs it

        end(self.pid)

    def _listen(self, link: Socket) -> None:
        """Hear the init out until it waits at the gate or its program runs."""
        failure = gate.outcome(
            link, take_terminal=self._caller.take_terminal, run_hooks=self._run_hooks
        )
        if failure:
            raise gate.StartFailedError(self._failing, failure)

    def _run_hooks(self) -> dict[str, Any]:
        told = hooks.told(self._request, self._state)
        for kind in ("prestart", "createRuntime"):
            hooks.run(self._request.spec, kind, told)
        return told

    def _leave(self, made: Nest) -> None:
        """Let the init live on without us; returns when it does."""
        made.tell(b'{"leave":true}')
        while messages.receive_bytes(made.link)[0]:
            continue

    def _note(self, status: str) -> None:
        self._state = replace(self._state, status=status)
        states.write_state(self._request.state_dir, self._state)
