"""The store's OCI image layout: blobs by digest, and the index that other tools read.

::

    images/oci-layout, images/index.json
    images/blobs/sha256/<digits>      whole, for a rename put it there after it was verified
    images/.parts/<digits>            one that is being fetched, locked by whoever fetches it

A part stays when its maker is killed, so that a next try goes on from there. ``index.json`` is
written from ``state.db``, which is the truth; skopeo and umoci read it as they read any layout.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.files import write_atomic
from toolkit.core.record import record
from toolkit.images.files import Blob
from toolkit.images.limits import MAX_JSON
from toolkit.oci.digest import CHUNK, Digest, digest_of, read_verified

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def _nap() -> None:
    time.sleep(0.02)


@record
class BlobPart:
    """A blob being made: write to ``fd``, whose end is where a former try stopped."""

    path: str
    fd: int
    digest: Digest


class BlobStore:
    """The blobs below ``data_root``."""

    def __init__(self, data_root: str) -> None:
        self.directory = os.path.join(data_root, "images")
        self._parts = os.path.join(self.directory, ".parts")

    def path(self, digest: Digest) -> str:
        """Where a blob lies, or would."""
        return os.path.join(self.directory, "blobs", digest.algorithm, digest.hex)

    def has(self, digest: Digest, size: int | None = None) -> bool:
        """Whether the blob is there, and of that size where one is given."""
        try:
            found = os.stat(self.path(digest), follow_symlinks=False).st_size
        except FileNotFoundError:
            return False
        return size is None or found == size

    def open(self, digest: Digest) -> Blob:
        """A reader of a blob; it is not verified."""
        try:
            fd = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise NotFoundError(
                f"the store lacks the blob {digest}", hint="pull or load the image again"
            ) from None
        return Blob(fd, offset=0, size=os.fstat(fd).st_size, owned=True)

    def read(self, digest: Digest, *, name: str = "blob") -> bytes:
        """All of a small blob, verified."""
        with self.open(digest) as blob:
            return read_verified(blob, digest=digest, size=None, limit=MAX_JSON, name=name)

    def put(self, data: bytes) -> Digest:
        """Store a small blob; its digest."""
        digest = digest_of(data)
        if not self.has(digest, len(data)):
            self.prepare()
            write_atomic(self.path(digest), data, sync=False)
        return digest

    def add(self, chunks: Iterable[bytes]) -> tuple[Digest, int]:
        """Store a blob whose digest nobody knows yet; its digest and size."""
        import hashlib  # noqa: PLC0415 - as in toolkit.oci.digest

        self.prepare()
        seen, size = hashlib.sha256(), 0
        path = os.path.join(self._parts, f"new.{os.urandom(12).hex()}")
        with open(path, "xb", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                for chunk in chunks:
                    seen.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                digest = Digest(algorithm="sha256", hex=seen.hexdigest())
                os.rename(path, self.path(digest))
            except BaseException:
                os.unlink(path)
                raise
        return digest, size

    def add_known(self, chunks: Iterable[bytes], digest: Digest) -> None:
        """Store a blob that was promised to have that digest; ``InvalidInputError`` if not."""
        found, _ = self.add(chunks)
        if found != digest:
            self.remove(found)
            raise InvalidInputError(f"blob {digest}: its content has the digest {found}")

    @contextmanager
    def fetching(
        self, digest: Digest, size: int | None, *, pause: Callable[[], None] = _nap
    ) -> Iterator[BlobPart | None]:
        """A part to write to, or ``None`` where the blob is there; waits for another's.

        Left as it is when the caller fails, for ``finish`` or a next try. ``pause`` is called
        again and again while another one has the part; what it raises ends the waiting.
        """
        self.prepare()
        path = os.path.join(self._parts, digest.hex)
        fd = _lock(path, pause)
        try:
            if self.has(digest, size):
                os.unlink(path)
                yield None
            else:
                os.lseek(fd, 0, os.SEEK_END)
                yield BlobPart(path=path, fd=fd, digest=digest)
        finally:
            os.close(fd)

    def finish(self, part: BlobPart) -> None:
        """Give a part its place; the caller has verified it."""
        os.rename(part.path, self.path(part.digest))

    def discard(self, part: BlobPart) -> None:
        """Throw a part away that turned out to be wrong."""
        os.unlink(part.path)

    def remove(self, digest: Digest) -> None:
        """Remove a blob; one that is not there is fine."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(digest))

    def all(self) -> Iterator[Digest]:
        """Every blob."""
        for algorithm in ("sha256", "sha512"):
            with suppress(FileNotFoundError):
                for name in os.listdir(os.path.join(self.directory, "blobs", algorithm)):
                    yield Digest(algorithm=algorithm, hex=name)

    def write_index(self, manifests: list[dict[str, Any]]) -> None:
        """Replace the index by these descriptors."""
        self.prepare()
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        }
        path = os.path.join(self.directory, "index.json")
        write_atomic(path, json.dumps(index).encode(), sync=False)

    def prepare(self) -> None:
        """Make the layout where there is none."""
        if os.path.isdir(self._parts):
            return
        os.makedirs(os.path.dirname(self.directory), mode=0o710, exist_ok=True)
        os.makedirs(os.path.join(self.directory, "blobs", "sha256"), mode=0o700, exist_ok=True)
        os.makedirs(os.path.join(self.directory, "blobs", "sha512"), mode=0o700, exist_ok=True)
        write_atomic(os.path.join(self.directory, "oci-layout"), _LAYOUT, sync=False)
        if not os.path.exists(os.path.join(self.directory, "index.json")):
            empty = b'{"schemaVersion":2,"manifests":[]}'
            write_atomic(os.path.join(self.directory, "index.json"), empty, sync=False)
        os.makedirs(self._parts, mode=0o700, exist_ok=True)


def chunks_of(blob: Any) -> Iterator[bytes]:
    """The content of a reader, piece by piece."""
    while data := blob.read(CHUNK):
        yield data


def _lock(path: str, pause: Callable[[], None]) -> int:
    """Open the file ``path`` and lock it, however often it moves away meanwhile."""
    while True:
        fd = os.open(path, _OPEN, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.lstat(path)):
                return fd
        except FileNotFoundError:
            pass  # it was finished or removed between the two calls
        except BlockingIOError:
            os.close(fd)
            pause()
            continue
        os.close(fd)
