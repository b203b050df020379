"""The person in front of a run: questions go to the terminal, not to what a program may read."""

import getpass
import sys

from toolkit.core.errors import InvalidInputError


class Terminal:
    """Asks on the terminal; refuses where there is none."""

    def ask(self, prompt: str, *, secret: bool = False) -> str:
        """One line, without the line feed."""
        if not sys.stdin.isatty():
            raise InvalidInputError(
                f"nobody can answer '{prompt.strip()}': this is no terminal",
                hint="give the value with -e, or a password by a file",
            )
        if secret:
            return getpass.getpass(prompt if prompt.endswith(" ") else f"{prompt} ")
        sys.stderr.write(prompt if prompt.endswith(" ") else f"{prompt} ")
        sys.stderr.flush()
        return sys.stdin.readline().rstrip("\n")
