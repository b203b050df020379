"""An archive for stdout, or for a file that is whole or not there."""

import os
import sys

from toolkit.core.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO


def check_output(output: str = "") -> None:
    """Refuse to write an archive to a terminal, where ``output`` names no file."""
    if not output and sys.stdout.isatty():
        raise InvalidInputError(
            "an archive is nothing for a terminal", hint="say -o FILE, or lead stdout elsewhere"
        )


def write_archive(output: str, write: "Callable[[IO[bytes]], object]") -> None:
    """Have ``write`` write it to the file ``output``, or to stdout where that is empty."""
    if not output:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    beside = f"{output}.{os.getpid()}.part"
    try:
        with open(beside, "xb") as file:
            write(file)
        os.replace(beside, output)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
