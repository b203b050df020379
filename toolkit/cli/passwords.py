"""Passwords that a person gives: typed, or told by a file or a program; never an argument."""

import os
from collections.abc import Mapping
from typing import Any

from toolkit.cli.person import Terminal
from toolkit.core.errors import InvalidInputError, MissingInputError, ToolkitError
from toolkit.core.process import run
from toolkit.core.secret import Secret

SECONDS = 60.0


def become_password(flags: Mapping[str, Any]) -> Secret:
    """What sudo is to be told; empty where nobody gave anything."""
    asks = "BECOME password: " if flags["ask_become_pass"] else ""
    return _given(asks, flags["become_password_file"], "-K", "--become-password-file")


def login_password(flags: Mapping[str, Any]) -> Secret:
    """What a host is to be told at the login; empty where nobody gave anything."""
    asks = "SSH password: " if flags["ask_pass"] else ""
    return _given(asks, flags["connection_password_file"], "-k", "--connection-password-file")


def _given(asks: str, path: str, ask_flag: str, file_flag: str) -> Secret:
    if asks and path:
        raise InvalidInputError(f"{ask_flag} asks for what {file_flag} tells", hint="use one")
    if asks:
        return Secret(Terminal().ask(asks, secret=True))
    return told_by(path, file_flag) if path else Secret("")


def told_by(path: str, flag: str, arguments: tuple[str, ...] = ()) -> Secret:
    """The password that a file holds, or that an executable file prints."""
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise MissingInputError(f"{flag}: there is no file '{path}'")
    text = _output(path, flag, arguments) if os.access(path, os.X_OK) else _content(path, flag)
    password = text.strip("\r\n")
    if not password:
        raise InvalidInputError(f"{flag}: '{path}' holds no password")
    return Secret(password)


def _content(path: str, flag: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{flag}: '{path}' cannot be read: {error}") from None


def _output(path: str, flag: str, arguments: tuple[str, ...]) -> str:
    try:
        return run((os.path.abspath(path), *arguments), timeout=SECONDS).stdout
    except OSError as error:
        hint = f"'chmod -x {path}' if it is no program"
        raise InvalidInputError(f"{flag}: '{path}': {error.strerror}", hint=hint) from None
    except ToolkitError as error:
        raise InvalidInputError(f"{flag}: {error.message}", hint=error.hint) from None
