"""A text that must not be shown: whoever prints, logs or keeps it asks for its type first."""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError

ENCRYPTED = b"$ANSIBLE_VAULT;"
"""How a text begins that Ansible's vault has encrypted."""
Decrypt = Callable[[bytes, str], bytes]
"""Takes what is encrypted and the place where it stands; ``InvalidInputError`` says why not."""


def no_password(data: bytes, place: str) -> bytes:
    """The ``Decrypt`` of somebody who knows no password."""
    del data
    raise InvalidInputError(
        f"{place}: this is encrypted, and no password was given",
        hint="name one with --vault-password-file, or DOCKYARD_VAULT_PASSWORD_FILE",
    )


def is_encrypted(data: bytes) -> bool:
    """Whether this is what the vault has encrypted."""
    return data.startswith(ENCRYPTED)


class Secret(str):
    """Text that was encrypted or typed blindly; a text like any other to whoever uses it.

    Its ``repr`` hides it, so that a traceback or a log that shows arguments shows stars.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def secret(value: Any) -> Any:
    """Plain data with every text in it made secret; the keys of mappings are none."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        return {key: secret(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [secret(each) for each in value]
    return value
