"""How other rooms start, enter and watch a container: a launcher to ask, a session to follow."""

from __future__ import annotations

import _socket
import errno
import os
import select
import time
from _thread import allocate_lock

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError, UnavailableError
from toolkit.core.files import remove_tree
from toolkit.linux.signals import wait
from toolkit.runtime import messages, request, states
from toolkit.runtime.failures import sentence
from toolkit.runtime.spawn import spawn, spawn_early, take_early
from toolkit.runtime.states import read_state
from toolkit.runtime.trees import put, sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from toolkit.cgroup.group import Cgroup
    from toolkit.cgroup.stats import Stats
    from toolkit.oci.spec import Resources
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import ExecRequest, StartRequest

    Stdio = tuple[int, int, int]

__all__ = [
    "Launcher",
    "Session",
    "StartError",
    "cleanup",
    "connect_shim",
    "freeze",
    "kill",
    "processes",
    "read_state",
    "set_limits",
    "spawn_early",
    "stats",
    "sweep",
    "thaw",
]

_SIGKILL = 9
_UNKNOWN_STATUS = 255  # of a container whose end nobody saw


class StartError(ToolkitError):
    """A container or an exec that did not come to run its program.

    ``exit_status`` is 127 where the program does not exist, 126 where it cannot be executed and
    125 for every other reason.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 125) -> None:
        super().__init__(message, hint=hint)
        self.exit_status = status


class Launcher:
    """A process that forks containers on request; a context manager that closes the connection.

    ``pid`` is the launcher's where this object started it, else 0.
    """

    def __init__(self, sock: Socket, pid: int = 0) -> None:
        self.socket = sock
        self.pid = pid
        self._lock = allocate_lock()

    @classmethod
    def spawn(cls, *, listen: str = "", faults: bool = False) -> Self:
        """A launcher of one's own, which ends when this object is closed; containers live on.

        ``listen`` is a path on which it serves others meanwhile; ``faults`` is for tests.
        """
        early = None if listen or faults else take_early()
        return cls(*(early or spawn(listen=listen, faults=faults)))

    @classmethod
    def connect(cls, path: str) -> Self:
        """The launcher that serves on ``path``; ``UnavailableError`` where none does."""
        try:
            return cls(messages.connect(path))
        except OSError as error:
            raise UnavailableError(
                f"no launcher serves on '{path}': {error.strerror}", hint="is the engine running?"
            ) from None

    def start(self, request: StartRequest, stdio: Stdio) -> Session:
        """Ask for a container; ``Session.started`` tells how it went."""
        return self._ask(request, stdio, f"container '{request.id}' cannot start")

    def exec(self, request: ExecRequest, stdio: Stdio) -> Session:
        """Ask for one more process in a running container."""
        return self._ask(request, stdio, f"exec in container '{request.id}' failed")

    def close(self) -> None:
        """Let the launcher go, and reap it if it is ours; one that keeps containers lives on."""
        staying = self.pid and self._is_staying()
        self.socket.close()
        if self.pid:
            pid, self.pid = self.pid, 0
            try:
                os.waitpid(pid, os.WNOHANG if staying else 0)
            except ChildProcessError:
                return  # whoever embeds us ignores SIGCHLD

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_staying(self) -> bool:
        """Say goodbye; whether the launcher answers, which it does only if it stays."""
        try:
            self.socket.shutdown(_socket.SHUT_WR)
            return messages.receive_bytes(self.socket)[0] != b""
        except OSError:
            return False  # it is gone already

    def _ask(self, wanted: StartRequest | ExecRequest, stdio: Stdio, failing: str) -> Session:
        data = messages.encode(request.to_data(wanted)).encode()
        ours, theirs = messages.pair()
        try:
            with self._lock:
                messages.send_bytes(self.socket, data, (*stdio, theirs.fileno()))
        except OSError as error:
            ours.close()
            raise UnavailableError(f"the launcher is gone: {error.strerror}") from None
        finally:
            theirs.close()
        return Session(ours, failing)


class Session:
    """The line to one process's shim; closing it leaves the container running.

    ``master`` is a descriptor of the terminal once ``started`` has returned, if there is one.
    """

    def __init__(self, sock: Socket, failing: str) -> None:
        self.master: int | None = None
        self._socket = sock
        self._failing = failing
        self._pid = 0
        self._held = False
        self._attached = False
        self._exit: dict[str, Any] | None = None

    def started(self) -> int:
        """Wait until the program runs (or is held); its pid in the host, or ``StartError``."""
        while not self._pid:
            self._receive()
        return self._pid

    def wait(self) -> int:
        """Wait for the exit status: the program's, or 128+n for signal n."""
        return int(self.exited()["status"])

    def exited(self) -> Mapping[str, Any]:
        """Wait for the end; ``status``, ``oom`` and ``finished`` of it."""
        while self._exit is None:
            self._receive()
        return self._exit

    def hear(self) -> Mapping[str, Any] | None:
        """Take the event that is there (poll says when); the end, once it has come."""
        self._receive()
        return self._exit

    def signal(self, number: int) -> None:
        """Send a signal to the process; nothing happens where it has ended."""
        self._send({"signal": int(number)})

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""
        self._send({"resize": [rows, columns]})

    def attach(self, stdio: Stdio) -> None:
        """Have what the container says from now on, and say what it hears, until this closes."""
        self.started()
        try:
            messages.send(self._socket, {"attach": True}, stdio)
        except OSError as error:
            raise UnavailableError(f"{self._failing}: its shim is gone: {error.strerror}") from None
        while not self._attached and self._exit is None:
            self._receive()

    def detach(self) -> None:
        """Leave its input and output; the container goes on."""
        self._send({"detach": True})

    def begin(self) -> None:
        """Run the program of a held container, and wait until it runs."""
        self.started()
        if not self._held:
            raise ConflictError("the container runs already")
        self._send({"begin": True})
        while self._held:
            self._receive()

    def ready(self, seconds: float) -> bool:
        """Whether something is there to receive within that time."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(int(seconds * 1000)))

    def fileno(self) -> int:
        """For poll: readable when the next event is there."""
        return self._socket.fileno()

    def close(self) -> None:
        """Leave; the container goes on."""
        self._socket.close()
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            messages.send(self._socket, message)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):  # it has ended
                raise

    def _receive(self) -> None:
        """The next event. It is taken away once it is noted: a signal handler may raise here."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        while not wait(poll):
            pass  # a signal came, and its handler raised nothing
        message, fds = messages.peek(self._socket)
        if message is None:
            raise UnavailableError(
                f"{self._failing}: its shim is gone",
                hint="'dockyard ps' shows whether the container still runs",
            )
        if fds and self.master is None:
            self.master = fds.pop()
        for fd in fds:
            os.close(fd)
        if message["event"] == "error":
            text = f"{self._failing}: {sentence(message)}"
            raise StartError(text, hint=message["hint"], status=message["status"])
        if message["event"] == "exit":
            self._exit = {key: message.get(key) for key in ("status", "oom", "finished")}
        if message["event"] == "attached":
            self._attached = True
        else:
            self._held = message["event"] == "held"
        self._pid = message.get("pid", self._pid)
        messages.drop(self._socket)


def connect_shim(state_dir: str) -> Session:
    """The shim of a running container; ``NotFoundError`` where none answers."""
    try:
        sock = messages.connect(f"{state_dir}/shim.sock")
    except OSError:
        raise NotFoundError(f"no container runs with the state '{state_dir}'") from None
    return Session(sock, f"container '{os.path.basename(state_dir)}'")


def kill(state_dir: str, number: int, *, all: bool = False) -> None:  # noqa: A002 - OCI's own word
    """Signal the container's process, or every process of its cgroup.

    ``ConflictError`` where it has ended. The process is held by a descriptor while its start time
    is compared, so no other one can be hit.
    """
    state = read_state(state_dir)
    if state is None:
        raise NotFoundError(f"no container has the state '{state_dir}'")
    if not state.pid:
        raise ConflictError(f"container '{state.id}' is not running")
    if all:
        from toolkit.runtime import groups  # noqa: PLC0415 - a start's client needs no cgroups

        groups.open_group(state.cgroup).signal(number)
        return
    from toolkit.linux.process import pidfd_open, pidfd_send_signal  # noqa: PLC0415 - as above

    try:
        pidfd = pidfd_open(state.pid)
        try:
            if states.start_time(state.pid) != state.started:
                raise ProcessLookupError
            pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)
    except ProcessLookupError:
        raise ConflictError(f"container '{state.id}' has just ended") from None


def cleanup(state_dir: str, *, force: bool = False) -> None:
    """Finish what a killed shim left: its cgroup, its exit file, its directories.

    ``ConflictError`` where the container or its shim still runs; with ``force`` they are killed.
    """
    wanted, state = states.read_request(state_dir), read_state(state_dir)
    if wanted is None:
        remove_tree(state_dir)
        return
    from toolkit.runtime import groups  # noqa: PLC0415 - a start's client needs no cgroups

    if state is not None and (state.pid or state.shim_pid):
        if not force:
            raise ConflictError(f"container '{state.id}' is {state.status}")
        _end(state, state_dir)
    group = groups.open_group(state.cgroup) if state is not None else groups.find(wanted.cgroup)
    group.kill()
    group.remove()
    groups.forget_unit(wanted)
    if wanted.exit_file and not os.path.exists(wanted.exit_file):
        ending = {"status": _UNKNOWN_STATUS, "oom": False, "finished": ""}
        put(wanted.exit_file, messages.encode(ending).encode(), mode=0o644)
    for path in (*wanted.remove, state_dir):
        remove_tree(path)


def _end(state: states.State, state_dir: str) -> None:
    """Kill init, then give its shim a moment to do the rest itself."""
    if state.pid and states.start_time(state.pid) == state.started:
        _kill_and_wait(state.pid, 5_000, grace=5_000)
    if state.shim_pid and states.start_time(state.shim_pid) == state.shim_started:
        if state.shim_shared:
            _await_shim(state_dir, 2.0)
        else:
            _kill_and_wait(state.shim_pid, 0, grace=2_000)


def _await_shim(state_dir: str, seconds: float) -> None:
    """Wait until a shim that keeps others, too, has done its work or given it up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = read_state(state_dir)
        if state is None or not state.shim_pid:
            return
        time.sleep(0.002)


def _kill_and_wait(pid: int, patience: int, *, grace: int) -> None:
    from toolkit.linux.process import pidfd_open, pidfd_send_signal  # noqa: PLC0415 - as above

    try:
        pidfd = pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if not patience and poll.poll(grace):
        os.close(pidfd)
        return
    pidfd_send_signal(pidfd, _SIGKILL)
    poll.poll(patience or grace)
    os.close(pidfd)


def freeze(state_dir: str) -> None:
    """Stop every process of a running container until ``thaw``."""
    _group(state_dir, states.RUNNING).freeze()


def thaw(state_dir: str) -> None:
    """Let the processes of a paused container go on."""
    _group(state_dir, states.PAUSED).thaw()


def set_limits(state_dir: str, resources: Resources) -> None:
    """Give a running container other limits; what is not given stays."""
    from toolkit.runtime import groups  # noqa: PLC0415 - a start's client needs no cgroups

    _group(state_dir).set(groups.limits(resources), groups.layout())


def stats(state_dir: str) -> Stats:
    """What a running container uses now."""
    return _group(state_dir).stats()


def processes(state_dir: str) -> list[int]:
    """The processes of a running container, by their pids in the host."""
    return _group(state_dir).processes()


def _group(state_dir: str, *statuses: str) -> Cgroup:
    from toolkit.runtime import groups  # noqa: PLC0415 - a start's client needs no cgroups

    state = read_state(state_dir)
    if state is None or not state.pid:
        raise ConflictError(f"container '{os.path.basename(state_dir)}' is not running")
    if statuses and state.status not in statuses:
        wanted = " or ".join(statuses)
        raise ConflictError(f"container '{state.id}' is {state.status}, not {wanted}")
    return groups.open_group(state.cgroup)
