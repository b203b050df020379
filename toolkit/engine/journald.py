"""Reads what containers wrote to the system's journal, by ``journalctl``."""

import json
import os
import select
import subprocess
from datetime import UTC, datetime

from toolkit.core.errors import UnavailableError
from toolkit.engine.logs import LogLine, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

_ERRORS = "3"  # the priority that the shim gives to what came on stderr
_MICRO = 10**6
_PAUSE = 500  # ms; the journal hands lines on at once
_CHUNK = 64 << 10


def read_journal(
    container: str, span: Span, *, more: "Callable[[], bool] | None" = None
) -> "Iterator[LogLine]":
    """The lines of a container; goes on while ``more`` says so."""
    argv = ["journalctl", "-o", "json", "--no-pager", f"CONTAINER_ID_FULL={container}"]
    argv += ["-n", "all" if span.tail is None else str(span.tail)]
    if more is not None:
        argv.append("-f")
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise UnavailableError(
            "the journal cannot be read: there is no 'journalctl'", hint="install systemd"
        ) from None
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout if more is None else _following(process.stdout, more):
                found = _parse(line)
                if span.until and found.time > span.until:
                    return
                if found.time >= span.since:
                    yield found
        finally:
            process.terminate()


def _following(stream: "IO[bytes]", more: "Callable[[], bool]") -> "Iterator[bytes]":
    """The lines as they come, until ``more`` says no and none has come for a while."""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    rest = b""
    while True:
        going = more()  # asked before waiting: what comes before its end is still read
        if not poll.poll(_PAUSE):
            if not going:
                return
            continue
        data = os.read(stream.fileno(), _CHUNK)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def _parse(line: bytes) -> LogLine:
    data = json.loads(line)
    text = data.get("MESSAGE", "")
    if isinstance(text, list):  # bytes that are no UTF-8
        text = bytes(text).decode(errors="replace")
    whole, micro = divmod(int(data["__REALTIME_TIMESTAMP"]), _MICRO)
    moment = datetime.fromtimestamp(whole, UTC)
    end = "" if data.get("CONTAINER_PARTIAL_MESSAGE") else "\n"
    return LogLine(
        text=f"{text}{end}",
        stream="stderr" if data.get("PRIORITY") == _ERRORS else "stdout",
        time=f"{moment:%Y-%m-%dT%H:%M:%S}.{micro * 1000:09d}Z",
    )
