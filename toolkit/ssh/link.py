"""Ask an agent something and wait for its answer; the same over a pipe and over SSH.

A ``Link`` is one agent. It is not for several threads at once: a fleet opens one a host.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolkit.core import faults, wire
from toolkit.core.errors import ToolkitError, UnavailableError, UnsupportedError
from toolkit.ssh.pipe import PipeChannel
from toolkit.ssh.target import Target

# ``-I -S`` keeps PYTHON* variables, the current directory and site's imports out of a process that
# may run as root; the controller's own sys.path replaces what they would have found.
_START = "import sys; sys.path[:] = sys.argv[1:]; from toolkit.agent.serve import main; main()"

OnEvent = Callable[[Mapping[str, Any]], None]
OnAsk = Callable[[Mapping[str, Any], bytes], "Reply"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """``result`` is what the method returned; ``body`` are bytes that it sent beside it."""

    result: Any
    body: bytes = field(default=b"", repr=False)


class Link(Protocol):
    """One agent, on this machine or on another one."""

    @property
    def host(self) -> str:
        """The host's name in messages."""

    def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        body: bytes = b"",
        files: Mapping[str, bytes] | None = None,
        on_event: OnEvent | None = None,
    ) -> Reply:
        """Run ``method`` on the host; its errors come back as the class that it raised.

        ``files`` are contents by digest that ``params`` name. Raises ``UnavailableError``, with
        the host and the method, where the link ends before the answer.
        """

    def on_ask(self, answer: OnAsk) -> None:
        """Have ``answer`` called with what the agent asks in the middle of a request."""

    def close(self) -> None:
        """End the agent and whatever it still runs for a request; harmless when repeated.

        The only method that another thread may call in the middle of a request.
        """


class Channel(Protocol):
    """The stream below a link; a broken one raises ``OSError`` or ``EOFError``."""

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""

    def flush(self) -> object:
        """Hand on what was written."""

    def last_words(self) -> str:
        """Why the other side ended, as far as it said so: exit status, last lines of stderr."""

    def close(self) -> None:
        """End the other side."""


def _nothing(what: Mapping[str, Any], body: bytes) -> Reply:
    del body
    raise UnsupportedError(f"nobody here answers '{what.get('do')}'")


class StreamLink:
    """A ``Link`` over a ``Channel``."""

    def __init__(self, host: str, channel: Channel) -> None:
        self._host = host
        self._channel = channel
        self._number = 0
        self._ended = ""
        self._on_ask: OnAsk = _nothing

    @property
    def host(self) -> str:
        """The host's name in messages."""
        return self._host

    def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        body: bytes = b"",
        files: Mapping[str, bytes] | None = None,
        on_event: OnEvent | None = None,
    ) -> Reply:
        """See ``Link.call``."""
        if self._ended:
            raise UnavailableError(f"host '{self._host}': '{method}' not sent: {self._ended}")
        self._number += 1
        header: dict[str, Any] = {"id": self._number, "method": method, "params": dict(params)}
        if files:
            header["files"] = [[digest, len(content)] for digest, content in files.items()]
            body = b"".join((body, *files.values()))
        try:
            self._send(method, wire.Message(header=header, body=body))
            answer = self._answer(method, on_event)
        except BaseException:
            # An answer may still be on its way: the next request would take it for its own.
            self._end("an earlier request was given up")
            raise
        if isinstance(answer, ToolkitError):
            raise answer
        return answer

    def on_ask(self, answer: OnAsk) -> None:
        """See ``Link.on_ask``."""
        self._on_ask = answer

    def close(self) -> None:
        """See ``Link.close``."""
        self._end("the link is closed")

    def __enter__(self) -> "StreamLink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, method: str, message: wire.Message) -> None:
        try:
            wire.send(self._channel, message)
        except (OSError, EOFError) as error:
            raise self._lost(method, str(error)) from error

    def _answer(self, method: str, on_event: OnEvent | None) -> Reply | ToolkitError:
        while True:
            message = self._receive(method)
            header = message.header
            if header.get("id") != self._number:
                raise self._lost(method, f"answer {header.get('id')!r} to request {self._number}")
            if "error" in header:
                return faults.from_data(header["error"])
            if "ask" in header:
                self._send(method, self._told(header["ask"], message.body))
                continue
            if "event" not in header:
                return Reply(result=header.get("result"), body=message.body)
            if on_event is not None:
                on_event(header["event"])

    def _told(self, what: Mapping[str, Any], body: bytes) -> wire.Message:
        """What is said to a question; a refusal is raised on the other side."""
        try:
            reply = self._on_ask(what, body)
        except ToolkitError as error:
            refused = faults.to_data(error)
            return wire.Message(header={"id": self._number, "refused": refused})
        return wire.Message(header={"id": self._number, "answer": reply.result}, body=reply.body)

    def _receive(self, method: str) -> wire.Message:
        try:
            message = wire.receive(self._channel)
        except (OSError, EOFError, ValueError, UnavailableError) as error:
            raise self._lost(method, str(error)) from error
        if message is None:
            raise self._lost(method, "")
        return message

    def _lost(self, method: str, why: str) -> UnavailableError:
        words = self._channel.last_words()
        self._end("its link was lost")
        said = "".join(f": {part}" for part in (why, words) if part)
        return UnavailableError(f"host '{self._host}': link lost during '{method}'{said}")

    def _end(self, why: str) -> None:
        if not self._ended:
            self._ended = why
            self._channel.close()


def open_local(argv_prefix: tuple[str, ...] = ()) -> StreamLink:
    """Start an agent as a child; ``argv_prefix`` is put before its argv (``dockyard rehearse --``).

    Raises ``NotFoundError`` where the first word of the prefix is no program.
    """
    path = tuple(os.path.abspath(entry) for entry in sys.path)
    argv = (*argv_prefix, sys.executable, "-I", "-S", "-c", _START, *path)
    return StreamLink("localhost", PipeChannel(argv))


def open_ssh(target: Target) -> StreamLink:
    """Log in to a host and start its agent; see ``bootstrap.start`` for what can go wrong."""
    from toolkit.ssh.bootstrap import start  # noqa: PLC0415 - fabric costs 150 ms; only SSH pays

    return StreamLink(target.host, start(target))
