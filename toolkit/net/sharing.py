"""One helper for many threads: each has a lane of its own, in which its answers come in order.

Whoever waits for an answer reads what comes for all, until its own has come; so nobody waits for a
thread that does something else meanwhile, and a dozen threads cost one process.
"""

from collections import deque
from threading import Lock

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.net import helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.net.helper import Helper


class _Asked:
    """One request: ``error`` or ``value`` once ``done``."""

    def __init__(self, line: "_Line") -> None:
        self.line = line
        self.done = False
        self.value: Any = None
        self.error: ToolkitError | None = None


class _Line:
    """A helper, and what it was asked and has not answered."""

    def __init__(self, process: "Helper") -> None:
        self.process = process
        self.order: deque[_Asked] = deque()
        self.reading = Lock()


class SharedHelper:
    """Starts the helper with the first request, and a new one where it was killed."""

    def __init__(self, start: "Callable[[], Helper]" = helper.take) -> None:
        self._start = start
        self._asking = Lock()
        self._line: _Line | None = None

    def lane(self) -> "Lane":
        """One more caller."""
        return Lane(self)

    def ask(self, name: str, *args: "Any", **options: "Any") -> _Asked:
        """Send a request."""
        with self._asking:
            line = self._line = self._line or _Line(self._start())
            try:
                line.process.ask(name, *args, **options)
            except UnavailableError:
                self._line = None
                raise
            asked = _Asked(line)
            line.order.append(asked)
        return asked

    def wait(self, asked: _Asked) -> "Any":
        """What came of a request; its error is raised here."""
        line = asked.line
        while not asked.done:
            with line.reading:
                if not asked.done:
                    self._read(line)
        if asked.error is not None:
            raise asked.error
        return asked.value

    def _read(self, line: _Line) -> None:
        """Take one answer: it is that of the oldest request."""
        try:
            value, error = line.process.answer(), None
        except UnavailableError as gone:
            with self._asking:
                if self._line is line:
                    self._line = None
                for one in line.order:
                    one.error, one.done = gone, True
                line.order.clear()
            return
        except ToolkitError as refused:
            value, error = None, refused
        oldest = line.order.popleft()
        oldest.value, oldest.error, oldest.done = value, error, True

    def close(self) -> None:
        """Let the helper end."""
        with self._asking:
            line, self._line = self._line, None
        if line is not None:
            line.process.close()


class Lane:
    """Looks like a ``Helper`` to one thread."""

    def __init__(self, shared: SharedHelper) -> None:
        self._shared = shared
        self._unanswered: deque[_Asked] = deque()

    def ask(self, name: str, *args: "Any", **options: "Any") -> None:
        """Send a request; this lane's answers come in the order of its requests."""
        self._unanswered.append(self._shared.ask(name, *args, **options))

    def answer(self) -> "Any":
        """What came of the oldest request without an answer; its error is raised here."""
        return self._shared.wait(self._unanswered.popleft())

    def call(self, name: str, *args: "Any", **options: "Any") -> "Any":
        """Ask and wait for the answer; what was asked before and given up is dropped."""
        self._unanswered.clear()
        return self._shared.wait(self._shared.ask(name, *args, **options))

    def close(self) -> None:
        """Others use the helper still."""
        self._unanswered.clear()
