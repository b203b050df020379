"""Pipes between a container and those who are attached to it."""

import asyncio
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.api.streams import STDERR, STDOUT, Inflow, Outflow, close_all

if TYPE_CHECKING:
    from toolkit.api.line import Line
    from toolkit.engine.model import Running


@dataclass(frozen=True, slots=True)
class Streams:
    """Which of a container's streams a client asks for; ``keys`` are those that detach.

    A ``lasting`` stdin stays open when the client leaves. Without a terminal chunks have a head
    that tells which stream they are of, if ``framed``.
    """

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False
    keys: bytes = b""
    lasting: bool = False
    framed: bool = True


class Pipes:
    """Three pipes: ``theirs`` is handed to the shim and closed here, ``ours`` is kept.

    A stream that nobody asked for is ``/dev/null``.
    """

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        with ExitStack() as undo:
            stdin, feed = _input(undo, streams) if streams.stdin else _nothing(undo)
            stdout, output = _output(undo) if streams.stdout else _nothing(undo)
            apart = streams.stderr and not streams.tty
            stderr, errors = _output(undo) if apart else _nothing(undo)
            undo.pop_all()
        self.theirs: tuple[int, ...] = (stdin, stdout, stderr)
        self.feed, self.output, self.errors = feed, output, errors
        self.line: Running | None = None

    @property
    def stdio(self) -> tuple[int, int, int]:
        """What the shim gets."""
        stdin, stdout, stderr = self.theirs
        return stdin, stdout, stderr

    def keep(self, running: "Running") -> None:
        """The shim has its ends, for as long as this line to it is open."""
        self.handed_over()
        self.line = running

    def handed_over(self) -> None:
        """The shim has its ends: close ours of them, so that we see them end."""
        theirs, self.theirs = self.theirs, ()
        close_all(theirs)

    def drop(self) -> None:
        """Nobody will use it."""
        self.handed_over()
        close_all([fd for fd in (self.feed, self.output, self.errors) if fd >= 0])
        self.feed = self.output = self.errors = -1

    async def pump(self, connection: "Line", *, before: bytes = b"") -> bool:
        """Move bytes until the container has said all, the client left, or detached.

        True where the container has said all.
        """
        streams = self.streams
        keys = streams.keys if streams.tty else b""
        inflow = Inflow(self.feed, connection, keys=keys) if self.feed >= 0 else None
        flows = [
            Outflow(fd, connection, number if streams.framed and not streams.tty else None)
            for fd, number in ((self.output, STDOUT), (self.errors, STDERR))
            if fd >= 0
        ]
        self.feed = self.output = self.errors = -1
        if inflow is not None:
            inflow.take(before)
        connection.listen()
        try:
            return await _until(flows, inflow, connection)
        finally:
            if inflow is not None:
                inflow.close()
            for flow in flows:
                flow.close()
            if self.line is not None:
                self.line.close()


async def _until(flows: list[Outflow], inflow: Inflow | None, connection: "Line") -> bool:
    stops: list[asyncio.Future[None]] = [connection.gone]
    if inflow is not None:
        stops.append(inflow.detached)
    said = [flow.done for flow in flows]
    while any(not one.done() for one in said) or not flows:
        if any(one.done() for one in stops):
            return False
        left = [one for one in said if not one.done()]
        await asyncio.wait([*left, *stops], return_when=asyncio.FIRST_COMPLETED)
    return not connection.gone.done()


def _nothing(undo: ExitStack) -> tuple[int, int]:
    """(the shim's end, ours) of a stream that nobody asked for."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    undo.callback(os.close, nothing)
    return nothing, -1


def _output(undo: ExitStack) -> tuple[int, int]:
    """(the shim's end, ours)."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    undo.callback(os.close, ours)
    undo.callback(os.close, theirs)
    return theirs, ours


def _input(undo: ExitStack, streams: Streams) -> tuple[int, int]:
    """(the shim's end, ours). One that stays open is its own writer, so it never ends."""
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    undo.callback(os.close, ours)
    if streams.lasting:
        both = os.open(f"/proc/self/fd/{theirs}", os.O_RDWR | os.O_CLOEXEC)
        os.close(theirs)
        theirs = both
    undo.callback(os.close, theirs)
    return theirs, ours
