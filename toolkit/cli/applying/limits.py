"""``--limit @FILE``, and the file that names the hosts to try again."""

import os
from collections.abc import Iterable

from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.core.files import write_atomic
from toolkit.inventory.patterns import split

MARK = "@"


def expanded(limit: str) -> str:
    """The pattern with each ``@FILE`` in it replaced by the hosts that the file names."""
    if MARK not in limit:
        return limit
    return ",".join(_read(part[1:]) if part[0] == MARK else part for part in split(limit))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        raise MissingInputError(f"--limit: there is no file '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"--limit: '{path}' cannot be read: {error}") from None
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise InvalidInputError(f"--limit: '{path}' names no host")
    return ",".join(names)


def retry_path(playbook: str) -> str:
    """Where the hosts of a playbook that failed are written down: beside it."""
    return os.path.splitext(playbook)[0] + ".retry"


def remember(playbook: str, hosts: Iterable[str]) -> str:
    """Write the hosts down, one a line; what to tell about it.

    A folder that nobody may write to is no reason to fail: it is told instead.
    """
    path = retry_path(playbook)
    try:
        write_atomic(path, "".join(f"{host}\n" for host in hosts).encode())
    except OSError as error:
        return f"the hosts to try again could not be written to '{path}': {error.strerror}"
    return f"to try these hosts again: --limit @{path}"


def forget(playbook: str) -> None:
    """Take the file away once nothing is left to try again."""
    path = retry_path(playbook)
    if os.path.isfile(path) and os.access(os.path.dirname(path) or ".", os.W_OK):
        os.unlink(path)
