"""Runs ``nft``: each text is one transaction, all of it or nothing (nft(8))."""

import os

from toolkit.core.errors import ToolkitError, UnsupportedError

_ARGUMENTS = ("nft", "-f", "-")
_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
_NO_SUCH = "No such file or directory"


class Transaction:
    """One ``nft`` at work; ``finish`` waits for it, so that its caller may do other things."""

    def __init__(self, text: str) -> None:
        # Memory files, because a pipe holds less than a table may need and neither end may wait.
        source = os.memfd_create("rules")
        self._said = os.memfd_create("said")
        try:
            os.write(source, text.encode())
            os.lseek(source, 0, os.SEEK_SET)
            self._pid = _spawn(source, self._said)
        except BaseException:
            os.close(self._said)
            raise
        finally:
            os.close(source)

    def finish(self) -> str:
        """Wait for its end: empty where it was done, else what nft said."""
        _, status = os.waitpid(self._pid, 0)
        try:
            said = os.pread(self._said, 64 << 10, 0).decode(errors="replace").strip()
        finally:
            os.close(self._said)
        return "" if status == 0 else said or f"nft ended with status {status}"


def apply(text: str) -> None:
    """Do one transaction; ``ToolkitError`` with nft's first line where it is refused."""
    said = Transaction(text).finish()
    if said:
        raise refusal(said)


def refusal(said: str) -> ToolkitError:
    """What nft said, as our error."""
    return ToolkitError(
        f"the firewall's rules are refused: {said.splitlines()[0]}",
        hint="see what is there with 'nft list ruleset'; this needs root and nf_tables",
    )


def is_missing(said: str) -> bool:
    """Whether nft complains that a table or set is not there."""
    return _NO_SUCH in said


def _spawn(source: int, said: int) -> int:
    return os.posix_spawn(
        _program(),
        _ARGUMENTS,
        {"LC_ALL": "C"},
        file_actions=(
            (os.POSIX_SPAWN_DUP2, source, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, said, 2),
        ),
        setpgroup=0,  # what interrupts the caller does not stop it half way
    )


def _program() -> str:
    for folder in _FOLDERS:
        if os.access(f"{folder}/nft", os.X_OK):
            return f"{folder}/nft"
    raise UnsupportedError(
        "the program 'nft' is not installed",
        hint="install the package nftables, or use --network none or host",
    )
