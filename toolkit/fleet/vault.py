"""Ansible's vault: opens what ``ansible-vault`` has encrypted, by AES-256.

An envelope is a line ``$ANSIBLE_VAULT;1.1;AES256`` (``1.2`` adds a label), then hexadecimal text,
80 signs a line: of three parts, a line each, again hexadecimal: salt, HMAC, ciphertext. PBKDF2 with
SHA-256 makes 80 bytes of the password: the cipher's key, the HMAC's key, the counter's first value.
The text was padded to whole blocks as PKCS #7 says.
"""

import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError
from toolkit.core.secret import ENCRYPTED, Secret

ROUNDS = 10_000
BLOCK = 16
KEY = 32
CIPHER = "AES256"
VERSIONS = ("1.1", "1.2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Password:
    """A password and the label that it is for, empty for any."""

    text: Secret
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What an encrypted text consists of."""

    label: str
    salt: bytes
    mac: bytes
    body: bytes

    @classmethod
    def read(cls, data: bytes, place: str) -> "Envelope":
        """The parts; ``InvalidInputError`` where it is torn or of another kind."""
        head, _, rest = data.strip().partition(b"\n")
        words = head.decode(errors="replace").strip().split(";")
        if len(words) < 3 or words[1] not in VERSIONS or words[2] != CIPHER:
            raise InvalidInputError(f"{place}: a vault of an unknown kind: '{';'.join(words)}'")
        try:
            inner = binascii.unhexlify(b"".join(rest.split()))
            salt, mac, body = (binascii.unhexlify(part) for part in inner.split(b"\n", 2))
        except ValueError:
            raise InvalidInputError(f"{place}: the vault's text is torn") from None
        return cls(label=words[3] if len(words) > 3 else "", salt=salt, mac=mac, body=body)

    def opened(self, password: str) -> bytes | None:
        """The text, ``None`` if it is not this password's."""
        made = hashlib.pbkdf2_hmac("sha256", password.encode(), self.salt, ROUNDS, 2 * KEY + BLOCK)
        right = hmac.digest(made[KEY : 2 * KEY], self.body, "sha256")
        if not hmac.compare_digest(right, self.mac):
            return None
        # 15 ms that only encrypted texts pay.
        from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - as above
            Cipher,
            algorithms,
            modes,
        )

        cipher = Cipher(algorithms.AES256(made[:KEY]), modes.CTR(made[2 * KEY :]))
        step = cipher.decryptor()
        padded: bytes = step.update(self.body) + step.finalize()
        return padded[: -padded[-1]]


class Vault:
    """Opens envelopes with the passwords that it was given; each text is opened once."""

    def __init__(self, passwords: Sequence[Password]) -> None:
        self._passwords = tuple(passwords)
        self._known: dict[bytes, bytes] = {}

    def __call__(self, data: bytes, place: str) -> bytes:
        """See ``core.secret.Decrypt``: passwords of the envelope's label are tried first."""
        if data not in self._known:
            self._known[data] = self._open(data, place)
        return self._known[data]

    def _open(self, data: bytes, place: str) -> bytes:
        envelope = Envelope.read(data, place)
        first = [each for each in self._passwords if each.label == envelope.label]
        for password in (*first, *(each for each in self._passwords if each not in first)):
            opened = envelope.opened(password.text)
            if opened is not None:
                return opened
        label = f" for '{envelope.label}'" if envelope.label else ""
        raise InvalidInputError(
            f"{place}: none of the passwords opens this vault{label}",
            hint="give the one that it was encrypted with, by --vault-password-file",
        )


__all__ = ["ENCRYPTED", "Envelope", "Password", "Vault"]
