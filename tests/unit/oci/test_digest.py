import hashlib
import io

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.oci.digest import (
    Digest,
    VerifyingReader,
    digest_of,
    parse_digest,
    read_verified,
)

DATA = b"some content" * 1000
GOOD = digest_of(DATA)


class Endless:
    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int, /) -> bytes:
        self.given += size
        return bytes(size)


def test_prints_what_it_parses() -> None:
    text = "sha256:" + hashlib.sha256(b"").hexdigest()

    assert str(parse_digest(text)) == text
    assert parse_digest(text) == digest_of(b"")


@pytest.mark.parametrize(
    "text", ["", "sha256", "sha256:", "sha256:xyz", "sha256:" + "A" * 64, "sha256:" + "a" * 63]
)
def test_refuses_what_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"config\.json: .* is no digest"):
        parse_digest(text, at="config.json")


def test_names_the_algorithms_it_knows() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_digest("md5:" + "a" * 32)

    assert caught.value.hint == "known: sha256, sha512"


def test_takes_sha512() -> None:
    assert read_verified(
        io.BytesIO(DATA), digest=digest_of(DATA, algorithm="sha512"), size=None, limit=1 << 20
    )


def test_reads_content_that_is_right() -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest=GOOD, size=len(DATA))

    assert b"".join(reader) == DATA
    assert reader.read() == b""


def test_refuses_other_content() -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest=digest_of(b"other"), size=len(DATA))

    with pytest.raises(InvalidInputError, match=f"has the digest {GOOD}"):
        list(reader)


def test_refuses_content_that_is_cut_short() -> None:
    reader = VerifyingReader(io.BytesIO(DATA[:-1]), digest=GOOD, size=len(DATA))

    with pytest.raises(InvalidInputError, match="ends after 11999 of 12000 bytes"):
        list(reader)


def test_stops_reading_content_without_end() -> None:
    source = Endless()
    reader = VerifyingReader(source, digest=GOOD, size=10)

    with pytest.raises(InvalidInputError, match="longer than the 10 bytes"):
        list(reader)
    assert source.given < 1 << 20


def test_limits_a_small_blob_by_what_it_announces() -> None:
    with pytest.raises(InvalidInputError, match="more than the limit of 5"):
        read_verified(io.BytesIO(DATA), digest=GOOD, size=len(DATA), limit=5)


def test_limits_a_small_blob_by_what_comes() -> None:
    source = Endless()

    with pytest.raises(InvalidInputError, match="larger than the limit of 5"):
        read_verified(source, digest=GOOD, size=None, limit=5)
    assert source.given < 1 << 20


def test_is_a_value() -> None:
    assert Digest(algorithm="sha256", hex="a") == Digest(algorithm="sha256", hex="a")
