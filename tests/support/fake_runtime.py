"""A runtime without a kernel: what the engine asks of it is kept, what ends is said by the test."""

import json
import os
from pathlib import Path

from toolkit.cgroup.stats import Stats
from toolkit.core.errors import NotFoundError
from toolkit.core.record import replace
from toolkit.engine.seams import Stdio
from toolkit.oci.spec import Resources
from toolkit.runtime.client import StartError
from toolkit.runtime.request import ExecRequest, StartRequest
from toolkit.runtime.states import State


class FakeSession:
    """A process that ends when ``end`` is called; readable from then on."""

    def __init__(self, runtime: "FakeRuntime", request: StartRequest | ExecRequest) -> None:
        self.master: int | None = None
        self._runtime = runtime
        self._request = request
        self.signals: list[int] = []
        self.size = (0, 0)
        self.closed = False
        self.begun = False
        self.status = 0
        self._reader, self._writer = os.pipe()

    def started(self) -> int:
        self._runtime.answers += 1
        if self._runtime.interrupts:
            self._runtime.interrupts -= 1
            raise KeyboardInterrupt
        if self._runtime.failure:
            raise self._runtime.failure
        return os.getpid()

    def begin(self) -> None:
        self.begun = True

    def wait(self) -> int:
        os.read(self._reader, 1)
        return self.status

    def hear(self) -> dict[str, object]:
        return {"status": self.wait()}

    def end(self, status: int = 0) -> None:
        self.status = status
        if isinstance(self._request, StartRequest):
            self._runtime.finish(self._request, status)
        os.write(self._writer, b".")

    def signal(self, number: int) -> None:
        self.signals.append(number)

    def resize(self, rows: int, columns: int) -> None:
        self.size = (rows, columns)

    def attach(self, stdio: Stdio) -> None:
        self._runtime.stdio.append(stdio)

    def detach(self) -> None:
        self._runtime.detached += 1

    def fileno(self) -> int:
        return self._reader

    def close(self) -> None:
        self.closed = True


class FakeRuntime:
    """Launcher and kernel in one; ``dies_of`` are the signals that end a container."""

    def __init__(self) -> None:
        self.failure: StartError | None = None
        self.requests: list[StartRequest | ExecRequest] = []
        self.stdio: list[Stdio] = []
        self.sessions: dict[str, FakeSession] = {}
        self.states: dict[str, State] = {}
        self.cleaned: list[str] = []
        self.killed: list[int] = []
        self.dies_of = {15, 9}
        self.has_shim = True
        self.interrupts = 0  # how often waiting for a start is interrupted
        self.answers = 0  # how often somebody waited for one
        self.detached = 0  # how often a client left
        self.limits: list[Resources] = []
        self.races = 0  # how often a file vanishes while it is cleaned up

    def start(self, request: StartRequest, stdio: Stdio) -> FakeSession:
        self.requests.append(request)
        self.stdio.append(stdio)
        session = FakeSession(self, request)
        if self.failure is None:
            state = State(id=request.id, status="running", pid=os.getpid(), shim_pid=1, cgroup={})
            self.states[request.state_dir] = state
            self.sessions[request.state_dir] = session
        return session

    def exec(self, request: ExecRequest, stdio: Stdio) -> FakeSession:
        self.requests.append(request)
        self.stdio.append(stdio)
        return FakeSession(self, request)

    def close(self) -> None:
        return

    def finish(self, request: StartRequest, status: int) -> None:
        del self.states[request.state_dir]
        if request.exit_file:
            data = {"status": status, "oom": False, "finished": "1970-01-01T00:00:05.000000001Z"}
            Path(request.exit_file).write_text(json.dumps(data))

    def connect_shim(self, state_dir: str) -> FakeSession:
        if not self.has_shim:
            raise NotFoundError("no shim")
        return self.sessions[state_dir]

    def read_state(self, state_dir: str) -> State | None:
        return self.states.get(state_dir)

    def kill(self, state_dir: str, number: int) -> None:
        self.killed.append(number)
        if number in self.dies_of:
            self.sessions[state_dir].end(128 + number)

    def freeze(self, state_dir: str) -> None:
        self.states[state_dir] = replace(self.states[state_dir], status="paused")

    def thaw(self, state_dir: str) -> None:
        if state_dir in self.states:  # else the signal has ended it at once
            self.states[state_dir] = replace(self.states[state_dir], status="running")

    def set_limits(self, state_dir: str, resources: Resources) -> None:
        assert state_dir in self.states
        self.limits.append(resources)

    def stats(self, state_dir: str) -> Stats:
        assert state_dir in self.states
        return Stats(memory_usage=5 << 20, memory_cache=1 << 20, cpu_usage_us=1000)

    def processes(self, state_dir: str) -> list[int]:
        return [self.states[state_dir].pid]

    def cleanup(self, state_dir: str, *, force: bool = False) -> None:
        del force
        if self.races:
            self.races -= 1
            raise FileNotFoundError(2, "gone", state_dir)
        self.cleaned.append(state_dir)
        self.states.pop(state_dir, None)
