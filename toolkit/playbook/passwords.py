"""``password_hash``: the hashes of ``/etc/shadow`` by SHA-256 and SHA-512, as crypt(5) names them.

Written from the published description of the scheme (Drepper, "Unix crypt using SHA-256 and
SHA-512"), since Python has no crypt of its own any more.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from toolkit.core.errors import InvalidInputError

SIGNS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DEFAULT_ROUNDS = 5000
ANSIBLE_ROUNDS = {"sha512": 656000, "sha256": 535000}
_KINDS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sha256": ("5", hashlib.sha256),
    "sha512": ("6", hashlib.sha512),
}
# The order in which the digest's bytes are written, three at a time.
_ORDER = {
    "sha256": [(i * 21 % 30, (i * 21 + 10) % 30, (i * 21 + 20) % 30) for i in range(10)],
    "sha512": [(i * 22 % 63, (i * 22 + 21) % 63, (i * 22 + 42) % 63) for i in range(21)],
}


def password_hash(
    password: str, kind: str = "sha512", *, salt: str | None = None, rounds: int | None = None
) -> str:
    """The hash of a password; a salt is made where none is given.

    ``rounds`` left out are crypt's own default, which the hash does not name.
    """
    short = kind.removesuffix("_crypt").removesuffix("-crypt")
    if short not in _KINDS:
        raise InvalidInputError(
            f"password_hash: '{kind}' is not supported", hint="use sha512 or sha256"
        )
    mark, digest = _KINDS[short]
    salt = salt or "".join(secrets.choice(SIGNS) for _ in range(16))
    count = DEFAULT_ROUNDS if rounds is None else max(1000, min(999_999_999, rounds))
    named = "" if count == DEFAULT_ROUNDS else f"rounds={count}$"
    final = _final(password.encode(), salt[:16].encode(), count, digest)
    return f"${mark}${named}{salt[:16]}${_written(final, short)}"


def _final(password: bytes, salt: bytes, rounds: int, digest: Callable[..., Any]) -> bytes:
    size = len(password)
    other = digest(password + salt + password).digest()
    start = digest(password + salt + _repeated(other, size))
    bits = size
    while bits:
        start.update(other if bits & 1 else password)
        bits >>= 1
    current: bytes = start.digest()
    long_password = _repeated(digest(password * size).digest(), size)
    long_salt = _repeated(digest(salt * (16 + current[0])).digest(), len(salt))
    for number in range(rounds):
        odd = number & 1
        parts = [long_password if odd else current]
        parts += [long_salt] if number % 3 else []
        parts += [long_password] if number % 7 else []
        parts.append(current if odd else long_password)
        current = digest(b"".join(parts)).digest()
    return current


def _repeated(data: bytes, size: int) -> bytes:
    return (data * (size // len(data) + 1))[:size]


def _written(digest: bytes, kind: str) -> str:
    text = "".join(
        _signs(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _ORDER[kind]
    )
    if kind == "sha256":
        return text + _signs(digest[31] << 8 | digest[30], 3)
    return text + _signs(digest[63], 2)


def _signs(value: int, count: int) -> str:
    found = ""
    for _ in range(count):
        found += SIGNS[value & 63]
        value >>= 6
    return found
