"""Runs ``nft``: each text is one transaction, all of it or nothing (nft(8))."""

import os

from toolkit.core.errors import ToolkitError, UnsupportedError
from toolkit.net.programs import find

_ARGUMENTS = ("nft", "-f", "-")
_NO_SUCH = "No such file or directory"
_EXISTS = "File exists"


class Transaction:
    """One ``nft`` at work; ``finish`` waits for it, so that its caller may do other things.

    ``arguments`` may name a program of the same kind.

    ``shown`` is what it printed, once it is finished.
    """

    def __init__(self, text: str, arguments: "tuple[str, ...]" = _ARGUMENTS) -> None:
        self.shown = ""
        # Memory files, because a pipe holds less than a table may need and neither end may wait.
        self._files = [os.memfd_create(name) for name in ("rules", "said", "shown")]
        try:
            os.write(self._files[0], text.encode())
            os.lseek(self._files[0], 0, os.SEEK_SET)
            self._pid = _spawn(arguments, *self._files)
        except BaseException:
            self._close()
            raise

    def finish(self) -> str:
        """Wait for its end: empty where it was done, else what nft said."""
        _, status = os.waitpid(self._pid, 0)
        said, self.shown = (_read(file) for file in self._files[1:])
        self._close()
        return "" if status == 0 else said.strip() or f"nft ended with status {status}"

    def _close(self) -> None:
        while self._files:
            os.close(self._files.pop())


def apply(text: str) -> None:
    """Do one transaction; ``ToolkitError`` with nft's first line where it is refused."""
    said = Transaction(text).finish()
    if said:
        raise refusal(said)


def show(*words: str) -> str:
    """What ``nft WORDS`` prints; empty where there is nothing of that name."""
    asked = Transaction("", ("nft", *words))
    said = asked.finish()
    if said and not is_missing(said):
        raise refusal(said)
    return asked.shown


def refusal(said: str) -> ToolkitError:
    """What nft said, as our error."""
    return ToolkitError(
        f"the firewall's rules are refused: {said.splitlines()[0]}",
        hint="see what is there with 'nft list ruleset'; this needs root and nf_tables",
    )


def is_missing(said: str) -> bool:
    """Whether nft complains that a table or set is not there."""
    return _NO_SUCH in said


def is_taken(said: str) -> bool:
    """Whether nft complains that a key leads elsewhere already."""
    return _EXISTS in said


def _read(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")


def _spawn(arguments: "tuple[str, ...]", source: int, said: int, shown: int) -> int:
    return os.posix_spawn(
        _program(arguments[0]),
        arguments,
        {"LC_ALL": "C"},
        file_actions=(
            (os.POSIX_SPAWN_DUP2, source, 0),
            (os.POSIX_SPAWN_DUP2, shown, 1),
            (os.POSIX_SPAWN_DUP2, said, 2),
        ),
        setpgroup=0,  # what interrupts the caller does not stop it half way
    )


def _program(name: str) -> str:
    found = find(name)
    if not found:
        raise UnsupportedError(
            f"the program '{name}' is not installed",
            hint="install the package nftables, or use --network none or host",
        )
    return found
