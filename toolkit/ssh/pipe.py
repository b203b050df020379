"""The stream to a child process: an agent on this machine."""

import contextlib
import subprocess
import tempfile
from typing import IO

from toolkit.core.errors import NotFoundError

SHOWN_LINES = 10
CLOSE_SECONDS = 10.0


class PipeChannel:
    """A child's stdin and stdout; its stderr goes to an unnamed file that is read if it dies."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            # A session of its own: Ctrl-C reaches the controller only, which then ends the agent
            # in order, by end-of-file.
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        except FileNotFoundError:
            self._errors.close()
            raise NotFoundError(f"'{argv[0]}' is not installed") from None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._stdin, self._stdout = self._child.stdin, self._child.stdout

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""
        return self._stdout.read(size)

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""
        return self._stdin.write(data)

    def flush(self) -> object:
        """Hand on what was written."""
        return self._stdin.flush()

    def last_words(self) -> str:
        """How the child ended, and the last lines that it wrote to stderr."""
        try:
            ended = f"the agent ended with status {self._child.wait(timeout=1)}"
        except subprocess.TimeoutExpired:
            ended = "the agent still runs"
        try:
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
        except ValueError:  # another thread has closed the link meanwhile
            return ended
        return "\n".join((ended, *lines[-SHOWN_LINES:]))

    def close(self) -> None:
        """End-of-file ends the agent, which ends its children; after 10 s it is killed."""
        if self._errors.closed:
            return
        with contextlib.suppress(OSError):  # what was not flushed has no reader any more
            self._stdin.close()
        try:
            self._child.wait(timeout=CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._stdout.close()
        self._errors.close()
