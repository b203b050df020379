"""Digests, and a reader that refuses content which does not match its digest and size.

Source: image-spec descriptor.md, "Digests". ``hashlib`` is imported only when something is
hashed, because naming a digest is on the path of a container's start.
"""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Source(Protocol):
        """Anything that bytes can be read from; ``b""`` means the end."""

        def read(self, size: int, /) -> bytes:
            """At most ``size`` bytes."""


_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = frozenset("0123456789abcdef")
CHUNK = 256 * 1024


@record
class Digest:
    """An algorithm and lower-case hexadecimal digits; ``str()`` gives ``algorithm:digits``."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def parse_digest(text: str, *, at: str = "digest") -> Digest:
    """The digest that ``text`` names; ``InvalidInputError`` for an unknown or broken one."""
    algorithm, colon, digits = text.partition(":")
    if not colon:
        raise InvalidInputError(f"{at}: '{text}' is no digest: expected 'sha256:' and 64 digits")
    if algorithm not in _LENGTHS:
        raise InvalidInputError(
            f"{at}: unknown algorithm '{algorithm}' in digest '{text}'",
            hint=f"known: {', '.join(_LENGTHS)}",
        )
    if len(digits) != _LENGTHS[algorithm] or not _HEX.issuperset(digits):
        raise InvalidInputError(
            f"{at}: '{text}' is no digest:"
            f" expected {_LENGTHS[algorithm]} lower-case hexadecimal digits after '{algorithm}:'"
        )
    return Digest(algorithm=algorithm, hex=digits)


def digest_of(data: bytes, *, algorithm: str = "sha256") -> Digest:
    """The digest of ``data``."""
    import hashlib  # noqa: PLC0415 - see the module's docstring

    return Digest(algorithm=algorithm, hex=hashlib.new(algorithm, data).hexdigest())


class VerifyingReader:
    """Reads ``source`` through; the read that meets the end checks size and digest.

    Content that is longer than ``size`` is refused as soon as it is, so an endless source
    ends. ``name`` says in errors what is read.
    """

    def __init__(
        self, source: "Source", *, digest: Digest, size: int | None = None, name: str = "blob"
    ) -> None:
        import hashlib  # noqa: PLC0415 - see the module's docstring

        self._source = source
        self._hash = hashlib.new(digest.algorithm)
        self._digest = digest
        self._size = size
        self._name = name
        self._done = False
        self.count = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at an end that was found to be right."""
        if self._done or not size:
            return b""
        data = self._source.read(size)
        if not data:
            self._verify()
            self._done = True
            return b""
        self.count += len(data)
        if self._size is not None and self.count > self._size:
            raise InvalidInputError(
                f"{self._name} {self._digest}: longer than the {self._size} bytes announced"
            )
        self._hash.update(data)
        return data

    def __iter__(self) -> "Iterator[bytes]":
        while data := self.read(CHUNK):
            yield data

    def _verify(self) -> None:
        if self._size is not None and self.count != self._size:
            raise InvalidInputError(
                f"{self._name} {self._digest}: ends after {self.count} of {self._size} bytes",
                hint="it was cut short: fetch or save it again",
            )
        found = self._hash.hexdigest()
        if found != self._digest.hex:
            raise InvalidInputError(
                f"{self._name} {self._digest}: its content has the digest"
                f" {self._digest.algorithm}:{found}",
                hint="it was changed or damaged: fetch or save it again",
            )


def read_verified(
    source: "Source", *, digest: Digest, size: int | None, limit: int, name: str = "blob"
) -> bytes:
    """All of a small blob, refused above ``limit`` bytes and where size or digest differ."""
    if size is not None and size > limit:
        raise InvalidInputError(f"{name} {digest}: {size} bytes are more than the limit of {limit}")
    reader = VerifyingReader(source, digest=digest, size=size, name=name)
    parts = []
    for part in reader:
        parts.append(part)
        if reader.count > limit:
            raise InvalidInputError(f"{name} {digest}: larger than the limit of {limit} bytes")
    return b"".join(parts)
