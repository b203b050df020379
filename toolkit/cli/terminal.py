"""A container in the foreground: its stdio, its signals, its terminal."""

import os

from toolkit.core.errors import InvalidInputError
from toolkit.linux.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Protocol, Self

    class Process(Protocol):
        """What ``Engine.run`` and ``Engine.exec`` hand back."""

        @property
        def master(self) -> int | None:
            """Its terminal."""

        def wait(self) -> int:
            """Its exit status."""

        def signal(self, number: int, /) -> None:
            """Send it a signal."""

        def resize(self, rows: int, columns: int, /) -> None:
            """Size its terminal."""

        def close(self) -> None:
            """Leave it."""

    class Detachable(Protocol):
        """A process of the engine's, which can be left with its terminal."""

        def fileno(self) -> int:
            """For poll: readable when it has news."""

        def detach(self) -> None:
            """Leave its input and output."""


STREAMS = frozenset(("stdin", "stdout", "stderr"))


class Stdio:
    """Three descriptors for a container: a context manager that closes what it opened.

    ``feed`` is where to write what is typed, -1 where the container reads stdin itself.
    """

    def __init__(self, fds: tuple[int, int, int], opened: int = -1, feed: int = -1) -> None:
        self.fds = fds
        self.feed = feed
        self._opened = opened

    @classmethod
    def own(
        cls, *, interactive: bool, keyed: bool = False, streams: frozenset[str] = STREAMS
    ) -> "Self":
        """This process's own; without ``interactive`` nothing is on stdin.

        ``keyed``: this process looks for the detach keys before it hands on what is typed. What is
        not among ``streams`` is nothing.
        """
        if streams == STREAMS and interactive:
            if keyed and os.isatty(0):
                reader, feed = os.pipe2(os.O_CLOEXEC)
                return cls((reader, 1, 2), reader, feed)
            return cls((0, 1, 2))
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        stdin = 0 if interactive and "stdin" in streams else nothing
        stdout = 1 if "stdout" in streams else nothing
        return cls((stdin, stdout, 2 if "stderr" in streams else nothing), nothing)

    @classmethod
    def nothing(cls) -> "Self":
        """For what runs in the background."""
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return cls((nothing, nothing, nothing), nothing)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (self._opened, self.feed):
            if fd >= 0:
                os.close(fd)


def check_terminal(*, tty: bool, interactive: bool) -> None:
    """Refuse ``-it`` where stdin is no terminal, in Docker's words."""
    if tty and interactive and not os.isatty(0):
        raise InvalidInputError(
            "the input device is not a TTY", hint="leave out -t when stdin is a pipe or a file"
        )


def window_size() -> tuple[int, int]:
    """Rows and columns of the terminal on stdout or stdin; zeros without one."""
    for fd in (1, 0):
        try:
            size = os.get_terminal_size(fd)
        except OSError:
            continue
        return size.lines, size.columns
    return 0, 0


class Interrupted(KeyboardInterrupt):
    """A signal that ends this process came before the container ran: what was made is undone."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def follow(
    start: "Callable[[], Process]",
    *,
    interactive: bool,
    signals: "Signals | None" = None,
    typing: "Typing | None" = None,
) -> int:
    """Start a process and stay with it to its end; its exit status.

    Signals are passed on as ``signals`` says. ``typing`` says what to type to leave it: then the
    status is 0.
    """
    from toolkit.linux.process import set_child_subreaper  # noqa: PLC0415 - for the foreground

    set_child_subreaper()  # then a shim that is killed takes no exit status along
    try:
        return _follow(start, signals or Signals(), interactive=interactive, typing=typing)
    finally:
        set_child_subreaper(on=False)


def _follow(
    start: "Callable[[], Process]",
    signals: "Signals",
    *,
    interactive: bool,
    typing: "Typing | None",
) -> int:
    try:
        process = start()
    except BaseException:
        signals.restore()
        raise
    try:
        signals.forward_to(process)
        if process.master is None or not interactive:
            return process.wait()
        from toolkit.cli.rawmode import RawTerminal  # noqa: PLC0415 - only for terminals

        with RawTerminal(0):
            # Who says what to type to leave a process has one that can be left.
            if typing is None or not typing.left(process):  # type: ignore[arg-type] # as said
                return process.wait()
        os.write(2, b"read escape sequence\n")
        return 0
    finally:
        signals.restore()
        process.close()


class Typing:
    """How stdin reaches a terminal: through this process, which looks for the detach keys."""

    def __init__(self, stdio: Stdio, keys: bytes) -> None:
        self.stdio = stdio
        self._keys = keys

    def left(self, process: "Detachable") -> bool:
        """Hand on what is typed until the process has news, or the keys are typed and it is left;
        whether that came to be.
        """
        from toolkit.cli.keys import type_to  # noqa: PLC0415 - only for terminals

        done = type_to(process, self.stdio.feed, self._keys)
        if done:
            process.detach()
        return done


class Signals:
    """Passes every signal that can be caught on to a process.

    Before there is one, a signal that ends a process raises ``Interrupted``; others are kept. From
    ``hold`` on the first of them is kept as well: the program may run by now, and its answer to the
    signal counts. A second one interrupts: somebody is losing patience with a start that hangs.
    """

    # Left alone: those that cannot be caught, faults of this very process, and what tells about
    # children, a reader that is gone and stopping by job control.
    _OWN = "KILL STOP ILL TRAP BUS FPE SEGV SYS CHLD PIPE URG CONT TSTP TTIN TTOU PROF VTALRM"
    _ENDING = "HUP INT QUIT TERM"

    def __init__(self, *, throw_away: bool = False, silent: bool = False) -> None:
        """With ``silent`` none is passed on but the window's size: they are this process's own.

        With ``throw_away`` one that would end this process kills the other.
        """
        self._process: Process | None = None
        self._waiting: list[int] = []
        self._held = False
        self._throw_away = throw_away
        self._set = signal.signal
        self._default = signal.SIG_DFL
        self._window, self._kill = int(signal.SIGWINCH), int(signal.SIGKILL)
        left = {getattr(signal, f"SIG{name}") for name in self._OWN.split()}
        self._ending = {int(getattr(signal, f"SIG{name}")) for name in self._ENDING.split()}
        taken = {self._window} if silent else set(range(1, 32)) - left
        self._before = {number: signal.signal(number, self._take) for number in taken}

    def hold(self) -> None:
        """The process is asked for: it may run before we hear of it."""
        self._held = True

    def forward_to(self, process: "Process") -> None:
        """From now on signals go to ``process``; those that came before go now."""
        self._process = process
        for number in self._waiting:
            self._take(number, None)

    def restore(self) -> None:
        """Put back what was."""
        for number, handler in self._before.items():
            # None: it was not Python that had set it
            self._set(number, self._default if handler is None else handler)
        self._before = {}

    def _take(self, number: int, _frame: "FrameType | None") -> None:
        if self._process is None:
            patient = self._held and not self._ending.intersection(self._waiting)
            if number in self._ending and not patient:
                raise Interrupted(number)
            self._waiting.append(number)
        elif number == self._window:
            if self._process.master is not None:
                self._process.resize(*window_size())
        elif self._throw_away and number in self._ending:
            self._process.signal(self._kill)
        else:
            self._process.signal(number)
