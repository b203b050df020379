"""One blob on its way into the store: a thread fetches it, whoever unpacks it follows.

What is written stays in its part when the line breaks, or when the process is killed, and the
next try asks for the rest. The bytes count only once the last one is there and the digest is
right: a follower is told of the end after that, and of a failure instead.
"""

import hashlib
import os
import threading
from typing import Any, Self

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.images.blobs import BlobPart, BlobStore
from toolkit.images.progress import Meter, Report, Step, short
from toolkit.images.registry.client import LyingError, Repository, lies, reading
from toolkit.images.registry.http import Response
from toolkit.oci.digest import Digest
from toolkit.oci.image import Descriptor

CHUNK = 256 * 1024
_TRIES = 5  # without a byte between them


class StoppedError(ToolkitError):
    """The pull was given up elsewhere."""


class Fetch:
    """The blob of ``wanted`` from the first of ``sources`` that gives it; ``stop`` ends it."""

    def __init__(
        self,
        blobs: BlobStore,
        sources: list[Repository],
        wanted: Descriptor,
        *,
        report: Report,
        stop: threading.Event,
    ) -> None:
        self._blobs = blobs
        self._sources = sources
        self._report = report
        self._stop = stop
        self._moved = threading.Condition()
        self._part: BlobPart | None = None
        self._written = 0
        self._done = False
        self._error: BaseException | None = None
        self._sender = sources[0].endpoint
        self.wanted = wanted
        self.name = short(wanted.digest.hex)

    @property
    def digest(self) -> Digest:
        """Of what is fetched."""
        return self.wanted.digest

    def run(self) -> None:
        """Fetch it; a failure is kept for who waits."""
        try:
            with self._blobs.fetching(self.digest, self.wanted.size, pause=self._pause) as part:
                if part is not None:
                    try:
                        self._fetch(part)
                    finally:
                        self._withdraw()
            self._settle(None)
        except BaseException as error:  # noqa: BLE001 - a thread's edge: it is raised by ``wait``
            self._settle(error)

    def wait(self) -> None:
        """Return once it is there and verified; raise why it is not."""
        with self._moved:
            self._moved.wait_for(lambda: self._done or self._error)
        if self._error:
            raise self._error

    def stir(self) -> None:
        """Have everybody who waits see that ``stop`` is set."""
        with self._moved:
            self._moved.notify_all()

    def follow(self) -> "Follower | None":
        """A reader of what comes; ``None`` where the blob is there already."""
        with self._moved:
            self._moved.wait_for(
                lambda: self._done or self._error or self._part or self._stop.is_set()
            )
            if self._stop.is_set():
                raise StoppedError("the pull was stopped")
            if self._error:
                raise self._error
            if self._done or self._part is None:
                return None
            return Follower(self, os.dup(self._part.fd))

    @property
    def is_whole(self) -> bool:
        """Whether nothing more is to come."""
        return self._written >= self.wanted.size

    def readable(self, position: int) -> int:
        """Wait for bytes behind ``position``; how many there are, 0 at a verified end."""
        with self._moved:
            self._moved.wait_for(
                lambda: (
                    self._written > position
                    or self._done
                    or self._error is not None
                    or self._stop.is_set()
                )
            )
            if self._stop.is_set():
                raise StoppedError("the pull was stopped")
            if self._written > position and not self._error:
                return self._written - position
        if self._error:
            raise self._error
        return 0

    def _settle(self, error: BaseException | None) -> None:
        with self._moved:
            self._error = error
            self._done = error is None
            self._part = None
            self._moved.notify_all()

    def _withdraw(self) -> None:
        """From here on nobody begins to follow: the part's descriptor is about to be closed."""
        with self._moved:
            self._part = None

    def _pause(self) -> None:
        self._report(Step(status="Waiting for another pull", id=self.name))
        if self._stop.wait(0.1):
            raise StoppedError("the pull was stopped")

    def _fetch(self, part: BlobPart) -> None:
        seen, start = _rehash(part)
        if start > self.wanted.size:
            os.ftruncate(part.fd, 0)
            seen, start = hashlib.new(self.digest.algorithm), 0
        os.lseek(part.fd, start, os.SEEK_SET)
        with self._moved:
            self._part, self._written = part, start
            self._moved.notify_all()
        self._from_sources(part, seen)
        if seen.hexdigest() != self.digest.hex:
            self._withdraw()
            self._blobs.discard(part)
            fault = f"blob {self.digest} has the digest sha256:{seen.hexdigest()}"
            if start:
                raise ToolkitError(f"{fault}, part of it from an earlier try", hint="try again")
            raise lies(self._sender, fault)
        self._report(Step(status="Download complete", id=self.name))
        self._withdraw()
        self._blobs.finish(part)

    def _from_sources(self, part: BlobPart, seen: Any) -> None:
        """Go through the servers until all is there; the last one's failure is the whole's."""
        for place, source in enumerate(self._sources):
            try:
                self._from_source(source, part, seen)
            except (StoppedError, LyingError):
                raise
            except ToolkitError:
                if place == len(self._sources) - 1:
                    raise
            else:
                return

    def _from_source(self, source: Repository, part: BlobPart, seen: Any) -> None:
        failures = 0
        while self._written < self.wanted.size:
            before = self._written
            try:
                answer, begins = source.blob(self.digest, offset=before)
                if not before:
                    self._sender = source.endpoint
                with reading(source.endpoint, answer):
                    self._copy(source, answer, begins, part, seen)
                if self._written < self.wanted.size:
                    raise UnavailableError(
                        f"registry '{source.endpoint.shown}' sent {self._written}"
                        f" of {self.wanted.size} bytes of blob {self.digest}"
                    )
            except UnavailableError:
                failures = 0 if self._written > before else failures + 1
                if failures == _TRIES:
                    raise
                if self._stop.wait(0.1 * 2**failures):
                    raise StoppedError("the pull was stopped") from None

    def _copy(
        self, source: Repository, answer: Response, begins: int, part: BlobPart, seen: Any
    ) -> None:
        """Write what comes behind what is there; refuse more than was announced."""
        meter = Meter(self._report, self.name, "Downloading", self.wanted.size)
        skip = self._written - begins
        while data := answer.read(CHUNK):
            if self._stop.is_set():
                raise StoppedError("the pull was stopped")
            if skip:
                left = max(skip - len(data), 0)
                data = data[skip:]
                skip = left
            if self._written + len(data) > self.wanted.size:
                self._withdraw()
                self._blobs.discard(part)
                raise lies(
                    source.endpoint,
                    f"blob {self.digest} is longer than its {self.wanted.size} bytes",
                )
            _write(part.fd, data)
            seen.update(data)
            with self._moved:
                self._written += len(data)
                self._moved.notify_all()
            meter.at(self._written)


class Follower:
    """Reads a blob while it comes; the end is told once it was verified."""

    def __init__(self, fetch: Fetch, fd: int) -> None:
        self._fetch = fetch
        self._fd = fd
        self._position = 0
        self.size = fetch.wanted.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @property
    def is_whole(self) -> bool:
        """Whether nothing more is to come."""
        return self._fetch.is_whole

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as soon as there are any; ``b""`` at the end."""
        count = self._fetch.readable(self._position)
        data = os.pread(self._fd, min(size, count), self._position)
        self._position += len(data)
        return data


def _rehash(part: BlobPart) -> tuple[Any, int]:
    """The digest so far of what a former try left, and how long it is."""
    seen, position = hashlib.new(part.digest.algorithm), 0
    while data := os.pread(part.fd, CHUNK, position):
        seen.update(data)
        position += len(data)
    return seen, position


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
