"""The agent's loop: one request after the other, until the other side hangs up.

A thread reads, so that end-of-file is seen in the middle of a request; the main thread works and
is interrupted by a signal then. Every method ends what it started when it is interrupted.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from _queue import SimpleQueue
from collections.abc import Mapping
from io import BufferedReader, BufferedWriter
from typing import Any

from toolkit.agent import interrupts
from toolkit.agent.call import Answer, Call
from toolkit.agent.methods import find
from toolkit.core import faults, wire
from toolkit.core.errors import InvalidInputError, ToolkitError

GRACE_SECONDS = 8.0
EXIT_ENDED = 0
EXIT_STUCK = 70  # sysexits.h EX_SOFTWARE: a request did not end in time after end-of-file


def main() -> None:
    """Serve on stdin and stdout until end-of-file."""
    stdin, stdout = take_streams()
    interrupts.listen()
    # Both say that whoever asked is gone: there is nobody left to tell.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        Server(stdin, stdout).run()
    sys.stderr.flush()
    # Not sys.exit: the reading thread may hold the lock of stdin, which an orderly end waits for.
    os._exit(EXIT_ENDED)


def take_streams() -> tuple[BufferedReader, BufferedWriter]:
    """Move stdin and stdout out of reach: what a child or a library prints goes to stderr."""
    stdin = os.fdopen(os.dup(0), "rb")  # dup makes descriptors that exec closes
    stdout = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return stdin, stdout


class Server:
    """Answers requests from one stream on another one."""

    def __init__(self, reader: wire.Reader, writer: wire.Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._inbox: SimpleQueue[wire.Message | None] = SimpleQueue()
        self._answers: SimpleQueue[wire.Message | None] = SimpleQueue()
        # Only the reading thread counts up the one, only the main thread the other.
        self._received = 0
        self._answered = 0

    def run(self) -> None:
        """Serve until end-of-file; ``KeyboardInterrupt`` if that comes within a request."""
        threading.Thread(target=self._read, daemon=True).start()
        while (message := self._inbox.get()) is not None:
            answer = self._handle(message)
            self._answered += 1
            self._send(message.header.get("id"), answer)

    def _read(self) -> None:
        try:
            while (message := wire.receive(self._reader)) is not None:
                if "answer" in message.header or "refused" in message.header:
                    self._answers.put(message)
                    continue
                self._received += 1
                self._inbox.put(message)
        except (OSError, ValueError, ToolkitError) as error:
            sys.stderr.write(f"agent: {error}\n")
        self._inbox.put(None)
        self._answers.put(None)
        if self._received != self._answered:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(GRACE_SECONDS)
            os._exit(EXIT_STUCK)

    def _handle(self, message: wire.Message) -> wire.Message:
        number = message.header.get("id")
        try:
            call = self._call(message)
            made = find(call.method)(call)
        except ToolkitError as error:
            return wire.Message(header={"id": number, "error": faults.to_data(error)})
        except Exception as error:  # noqa: BLE001 - the process's edge: the other side must know
            return wire.Message(header={"id": number, "error": faults.to_data(_unforeseen(error))})
        answer = made if isinstance(made, Answer) else Answer(result=made)
        return wire.Message(header={"id": number, "result": answer.result}, body=answer.body)

    def _send(self, number: Any, answer: wire.Message) -> None:
        try:
            wire.send(self._writer, answer)
        except (TypeError, ValueError) as error:
            # json refused it before anything was written: the stream is still good.
            fault = faults.to_data(ToolkitError(f"the answer cannot be sent: {error}"))
            wire.send(self._writer, wire.Message(header={"id": number, "error": fault}))

    def _call(self, message: wire.Message) -> Call:
        header = message.header
        number, method, params = header.get("id"), header.get("method"), header.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict):
            raise InvalidInputError("a request needs 'method' (text) and 'params' (a mapping)")

        def send(event: Mapping[str, Any]) -> None:
            wire.send(self._writer, wire.Message(header={"id": number, "event": dict(event)}))

        def ask(what: Mapping[str, Any], body: bytes = b"") -> Any:
            wire.send(self._writer, wire.Message(header={"id": number, "ask": what}, body=body))
            return _answered(self._answers.get())

        body, files = _split(message.body, header.get("files", []))
        return Call(method=method, params=params, body=body, files=files, send=send, ask=ask)


def _answered(message: wire.Message | None) -> Any:
    """What the controller said; bytes that came beside a mapping are its ``body``."""
    if message is None:
        raise KeyboardInterrupt
    if "refused" in message.header:
        raise faults.from_data(message.header["refused"])
    answer = message.header["answer"]
    return {**answer, "body": message.body} if isinstance(answer, dict) else answer


def _split(data: bytes, sizes: list[list[Any]]) -> tuple[bytes, dict[str, bytes]]:
    """The request's own bytes, and the files that lie behind them."""
    at = len(data) - sum(size for _, size in sizes)
    body, files = data[:at], {}
    for digest, size in sizes:
        files[digest] = data[at : at + size]
        at += size
    return body, files


def _unforeseen(error: Exception) -> ToolkitError:
    """A kernel's refusal reads well as it is; a fault of ours keeps its trace in the hint."""
    if isinstance(error, OSError):
        return ToolkitError(str(error))
    lines = traceback.format_exception(error)
    return ToolkitError(
        f"the agent failed: {type(error).__name__}: {error}", hint="".join(lines[-3:]).strip()
    )
