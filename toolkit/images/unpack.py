"""The caller's side of unpacking: starts the worker, feeds it a plain tar, hears its report."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images import worker
from toolkit.images.limits import ROOT_POLICY, USER_POLICY, Limits, Policy

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from toolkit.images.worker import main; main()"
)


class Unpacked(NamedTuple):
    """What a layer held: entries, bytes of file content, and notes on what was left out."""

    entries: int
    bytes: int
    notes: tuple[str, ...]


class Unpacker:
    """A worker process for the layers of one image; a context manager ends it."""

    def __init__(self, *, limits: Limits, policy: Policy | None = None) -> None:
        self._limits = limits
        self._policy = policy or (ROOT_POLICY if os.geteuid() == 0 else USER_POLICY)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-S", "-c", _BOOT, _import_root(), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the caller, who ends the worker in order
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._control.shutdown(socket.SHUT_RDWR)  # whoever else may have inherited it
        self._control.close()
        self._process.wait()

    def unpack(
        self, tar: Iterable[bytes], directory: str, *, lowers: tuple[str, ...], lock_fd: int
    ) -> Unpacked:
        """Unpack the plain tar ``tar`` into ``directory``; returns when the child has ended."""
        asked = worker.request(
            directory=directory, lowers=lowers, limits=self._limits, policy=self._policy
        )
        stream_out, stream_in = os.pipe()
        report_out, report_in = os.pipe()
        try:
            data = json.dumps(asked).encode("utf-8", "surrogateescape")
            socket.send_fds(self._control, [data], [stream_out, report_in, lock_fd])
        finally:
            os.close(stream_out)
            os.close(report_in)
        with open(report_out, "rb") as report:
            try:
                self._feed(tar, stream_in)
            finally:
                os.close(stream_in)
                said = report.read()
        return _judge(said)

    def _feed(self, tar: Iterable[bytes], stream: int) -> None:
        """Write all of ``tar``; read it through even if the child has given up.

        That the content is not what its digest promised explains more than what the child met.
        """
        total, listening = 0, True
        for chunk in tar:
            total += len(chunk)
            if total > self._limits.stream:
                raise InvalidInputError(
                    f"the layer is longer than {self._limits.stream} bytes",
                    hint="it looks made to fill the disk",
                )
            if listening:
                listening = _write(stream, chunk)


def _write(stream: int, chunk: bytes) -> bool:
    """Write all of ``chunk``; whether anyone still reads."""
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(stream, view) :]
    except BrokenPipeError:
        return False
    return True


def _judge(said: bytes) -> Unpacked:
    """The child's report as a value or as the error that it is."""
    if not said:
        raise ToolkitError("the process that unpacks a layer was killed", hint="is memory short?")
    report: dict[str, Any] = json.loads(said)
    if "entries" in report:
        return Unpacked(report["entries"], report["bytes"], tuple(report["notes"]))
    if code := report.get("errno"):
        raise OSError(code, report["error"], report["path"] or None)
    kind = ToolkitError if report.get("bug") else InvalidInputError
    raise kind(report["error"], hint=report.get("hint", ""))


def _import_root() -> str:
    """Where ``toolkit`` is imported from: a directory, or the zip archive of the agent."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
