"""The caller's side of unpacking: starts the worker, feeds it a plain tar, hears its report."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from toolkit.core.errors import InvalidInputError
from toolkit.images.helper import Helper, judge
from toolkit.images.limits import ROOT_POLICY, USER_POLICY, Limits, Policy
from toolkit.images.worker import LAST, MAX_LOWERS, MORE, request

_PIPE = 1 << 20  # bytes in flight: the less often two processes wait for each other, the better

Lowers = Callable[[], tuple[str, ...]]  # waits until they are whole; topmost first


class Unpacked(NamedTuple):
    """What a layer held: entries, bytes of file content, and notes on what was left out."""

    entries: int
    bytes: int
    notes: tuple[str, ...]


class Unpacker:
    """A worker process for the layers of one image; a context manager ends it.

    Several threads may have it unpack at once.
    """

    def __init__(self, *, limits: Limits, policy: Policy | None = None) -> None:
        self._limits = limits
        self._policy = policy or (ROOT_POLICY if os.geteuid() == 0 else USER_POLICY)
        self._helper = Helper("toolkit.images.worker")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._helper.close()

    def unpack(
        self, tar: Iterable[bytes], directory: str, *, lowers: Lowers, lock_fd: int
    ) -> Unpacked:
        """Unpack the plain tar ``tar`` into ``directory``; returns when the child has ended.

        ``lowers`` is asked for the layers below when all of ``tar`` was read and is as promised.
        """
        asked = request(directory=directory, limits=self._limits, policy=self._policy)
        stream_out, stream_in = _wide_pipe()
        report_out, report_in = os.pipe()
        talk, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._helper.send(asked, (report_in, stream_out, lock_fd, theirs.fileno()))
        finally:
            theirs.close()
            os.close(stream_out)
            os.close(report_in)
        with open(report_out, "rb") as report:
            try:
                with talk:
                    try:
                        self._feed(tar, stream_in)
                    finally:
                        os.close(stream_in)
                    _send_lowers(talk, lowers())
            finally:
                said = report.read()  # which ends when the child does, whatever happened here
        done = judge(said, "unpacks a layer")
        return Unpacked(done["entries"], done["bytes"], tuple(done["notes"]))

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


def _wide_pipe() -> tuple[int, int]:
    out, into = os.pipe()
    with suppress(PermissionError):  # a user may have only so much of pipes
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _PIPE)
    return out, into


def _write(stream: int, chunk: bytes) -> bool:
    """Write all of ``chunk``; whether anyone still reads."""
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(stream, view) :]
    except BrokenPipeError:
        return False
    return True


def _send_lowers(talk: socket.socket, paths: tuple[str, ...]) -> None:
    """Hand the directories of the layers below to the child; one that has ended needs none."""
    starts = range(0, len(paths), MAX_LOWERS) if paths else (0,)
    for start in starts:
        part = paths[start : start + MAX_LOWERS]
        fds: list[int] = []
        try:
            for path in part:
                fds.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))  # noqa: PERF401 - each is to be closed
            socket.send_fds(talk, [MORE if start + MAX_LOWERS < len(paths) else LAST], fds)
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            for fd in fds:
                os.close(fd)
