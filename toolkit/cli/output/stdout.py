"""Standard output that may go away: whoever reads it must not be able to stop a run half way."""

import os
from typing import TextIO


class Stdout:
    """Writes to a stream until its reader is gone, and to nowhere from then on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> None:
        """Write and flush."""
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._gone = True
            # What the stream still holds would fail again when the interpreter flushes it.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
