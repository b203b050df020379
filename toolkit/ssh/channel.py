"""The stream to an agent over SSH: one exec channel of one connection."""

import contextlib
import time
from typing import Any

import fabric
import paramiko

from toolkit.ssh.connect import close

POLL_SECONDS = 1.0
LOOK_SECONDS = 0.005
SESSION_SECONDS = 30.0
CHUNK = 1 << 17
SHOWN_LINES = 10
KEPT_BYTES = 1 << 14


class SshChannel:
    """A remote program's stdin and stdout; the end of its stderr is kept for when it dies."""

    def __init__(self, connection: fabric.Connection, command: str) -> None:
        self._connection = connection
        patience = max(SESSION_SECONDS, float(connection.connect_timeout or 0))
        try:
            self._channel: Any = connection.transport.open_session(timeout=patience)
            self._channel.settimeout(POLL_SECONDS)
            self._channel.exec_command(command)
        except paramiko.SSHException as error:  # no OSError: the server refuses sessions
            raise EOFError(f"no session: {error}") from error
        self._buffer = bytearray()
        self._errors = bytearray()

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""
        while len(self._buffer) < size and (data := self._more()):
            self._buffer += data
        return self._take(size)

    def read_line(self, limit: int) -> bytes:
        """Up to and with the next line feed; fewer at the end, or after ``limit`` bytes."""
        while (at := self._buffer.find(b"\n")) < 0 and len(self._buffer) < limit:
            data = self._more()
            if not data:
                return self._take(len(self._buffer))
            self._buffer += data
        return self._take(at + 1 if at >= 0 else limit)

    def wait_for(self, prompt: bytes, ready: bytes, *, prompts: int, seconds: float) -> str:
        """``prompt`` once stderr holds it so often, ``ready`` once stdout holds that line.

        What stdout held up to that line is dropped. Empty at the program's end or after
        ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._drain_errors()
            if self._channel.recv_ready():
                self._buffer += self._channel.recv(CHUNK)
            _, found, rest = bytes(self._buffer).partition(ready + b"\n")
            if found:
                self._buffer = bytearray(rest)
                return "ready"
            if self._errors.count(prompt) >= prompts:
                return "prompt"
            if self._channel.exit_status_ready() or self._channel.closed:
                return ""
            time.sleep(LOOK_SECONDS)  # nothing waits for both streams at once
        return ""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""
        view = memoryview(data)
        while view:
            # Not sendall: its time-out leaves unknown how much was sent.
            with contextlib.suppress(TimeoutError):
                sent = self._channel.send(view[:CHUNK])
                if not sent:
                    raise EOFError("the channel is closed")
                view = view[sent:]
            self._drain_errors()
        return len(data)

    def flush(self) -> object:
        """Nothing waits here."""

    def last_words(self) -> str:
        """How the program ended, and the last lines that it wrote to stderr."""
        errors, status = self.last_errors(), self.exit_status()
        ended = f"the agent ended with status {status}" if status is not None else ""
        return "\n".join(part for part in (ended, errors) if part)

    def last_errors(self) -> str:
        """The last lines that the program wrote to stderr, once it has ended."""
        deadline = time.monotonic() + POLL_SECONDS
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            while not self._channel.exit_status_ready() and time.monotonic() < deadline:
                if not self._connection.transport.is_active():
                    break
                self._channel.status_event.wait(0.05)
            self._drain_errors()
        lines = self._errors.decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-SHOWN_LINES:])

    def exit_status(self) -> int | None:
        """The program's exit status, ``None`` while it runs or when its host is gone."""
        if not self._channel.exit_status_ready() or self._channel.exit_status < 0:
            return None
        return int(self._channel.exit_status)

    def close(self) -> None:
        """End-of-file for the program, and the end of the connection."""
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self._channel.close()
        close(self._connection)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _more(self) -> bytes:
        """What came next on stdout; empty at its end."""
        while True:
            try:
                data: bytes = self._channel.recv(CHUNK)
            except TimeoutError:
                # A full window of stderr that nobody reads would stop the agent for good.
                self._drain_errors()
            else:
                return data

    def _drain_errors(self) -> None:
        while self._channel.recv_stderr_ready():
            data = self._channel.recv_stderr(CHUNK)
            if not data:
                return
            self._errors += data
            del self._errors[:-KEPT_BYTES]
