"""The builder's side of the process that touches files: starts it, asks it, hears its answer."""

import json
import os
import socket
import subprocess
import sys
from _thread import allocate_lock

from toolkit.building import worker
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from toolkit.building.worker import main; main()"
)


@record
class Bench:
    """Directories of one step: ``upper`` gets its changes, ``at`` is where a root is mounted."""

    path: str

    @property
    def upper(self) -> str:
        """What the step writes."""
        return f"{self.path}/upper"

    @property
    def work(self) -> str:
        """What overlayfs needs beside it."""
        return f"{self.path}/work"


def root_of(bench: Bench, lowers: tuple[str, ...], name: str = "root") -> "dict[str, Any]":
    """A stage's root, as the process is told of it; ``lowers`` may be empty."""
    made = {key: f"{bench.path}/{key}" for key in ("upper", "work")}
    if name != "root":
        made = {key: f"{bench.path}/{name}.{key}" for key in ("upper", "work")}
    at = f"{bench.path}/{name}"
    for path in (*made.values(), at):
        os.makedirs(path, mode=0o755, exist_ok=True)
    return {"lower": lowers, "at": at, **made}


class Workshop:
    """The process, started when it is first needed; a context manager ends it."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = allocate_lock()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        if self._control is not None and self._process is not None:
            self._control.shutdown(socket.SHUT_RDWR)
            self._control.close()
            self._process.wait()
            self._control = self._process = None

    def start(self) -> None:
        """Start the process now, so that it imports meanwhile."""
        with self._lock:
            if self._control is not None:
                return
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    (sys.executable, "-I", "-S", "-c", _BOOT, _import_root(), str(theirs.fileno())),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is for the builder, who ends it in order
                )
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, worker.MAX_REQUEST)
            self._control = ours

    def ask(self, asked: "dict[str, Any]") -> "dict[str, Any]":
        """Have something done; ``InvalidInputError`` or ``ToolkitError`` say what failed."""
        self.start()
        assert self._control is not None
        out, report = os.pipe()
        with open(out, "rb") as answers:
            try:
                data = json.dumps(asked).encode("utf-8", "surrogateescape")
                with self._lock:
                    socket.send_fds(self._control, [data], [report])
            finally:
                os.close(report)
            said = answers.read()
        if not said:
            raise ToolkitError("the process that copies files was killed", hint="is memory short?")
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            kind = InvalidInputError if answer["input"] else ToolkitError
            raise kind(answer["error"], hint=answer["hint"])
        return answer


def _import_root() -> str:
    """Where ``toolkit`` is imported from: a directory, or the zip archive of the agent."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
