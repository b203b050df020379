"""From the store to a registry: blobs that it lacks, then the manifest.

A blob is mounted from another repository of the same registry where the image is known to lie,
else sent: a small one in one request, a larger one in chunks that can be taken up again where the
line broke. Plain layers are compressed on the way, always to the same bytes, so that what was
sent before is found again.
"""

import hashlib
import json
import os
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urljoin

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.images.library import Library, key_of
from toolkit.images.progress import Meter, Report, Step, nobody, short
from toolkit.images.registry.client import (
    ACCEPTED,
    CREATED,
    NO_CONTENT,
    Access,
    Repository,
    lies,
    reading,
    repositories,
)
from toolkit.images.stored import StoredImage
from toolkit.oci.digest import Digest, digest_of, parse_digest
from toolkit.oci.image import OCI_LAYER, OCI_MANIFEST, Descriptor, parse_json
from toolkit.oci.reference import Reference

PARALLEL = 5  # blobs at once, Docker's figure
_WHOLE = 4 * 1024 * 1024  # up to here a blob goes in one request
_CHUNK = 16 * 1024 * 1024
_TRIES = 4
_PLAIN = frozenset({OCI_LAYER, "application/vnd.docker.image.rootfs.diff.tar"})
_GZIP_LEVEL = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A blob to send: a part of a file."""

    path: str
    digest: Digest
    size: int

    def part(self, offset: int, size: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(size)


def push(
    library: Library, reference: Reference, access: Access, *, report: Report = nobody
) -> Digest:
    """Send the image of that name to the registry in it; the digest it has there."""
    image = library.find(key_of(reference))
    server = repositories(access, reference, "push", actions="pull,push")[0]
    others = _other_repositories(image, reference)
    for path in others:
        server.also_pull(path)
    report(Step(status=f"The push refers to repository [{reference.name}]"))
    with ExitStack() as stack:
        manifest, sources = _sources(library, image, stack, report)
        uploads = [_Upload(server, source, others, report) for source in sources]
        pool = stack.enter_context(ThreadPoolExecutor(PARALLEL))
        for done in [pool.submit(upload.run) for upload in uploads]:
            done.result()
        digest = _put_manifest(server, manifest, reference)
    library.known_as(image, reference.name, digest)
    report(Step(status=f"digest: {digest} size: {len(manifest)}", id=reference.tag))
    return digest


def _other_repositories(image: StoredImage, reference: Reference) -> list[str]:
    """Where in the same registry the image lies already, as far as is known."""
    start = f"{reference.domain}/"
    names = {text.partition("@")[0] for text in image.digests}
    return sorted(
        name.removeprefix(start)
        for name in names
        if name.startswith(start) and name != reference.name
    )[:4]


def _sources(
    library: Library, image: StoredImage, stack: ExitStack, report: Report
) -> tuple[bytes, list[_Source]]:
    """The manifest to send, and the blobs that it names."""
    manifest = library.manifest(image)
    data = library.blobs.read(image.manifest, name="manifest")
    sources = [_stored(library, manifest.config)]
    if not any(layer.media_type in _PLAIN for layer in manifest.layers):
        return data, [*sources, *(_stored(library, layer) for layer in manifest.layers)]
    folder = stack.enter_context(
        tempfile.TemporaryDirectory(dir=library.blobs.directory, prefix=".push.")
    )
    changed: dict[str, Any] = parse_json(data, at="manifest")
    for place, layer in enumerate(manifest.layers):
        if layer.media_type not in _PLAIN:
            sources.append(_stored(library, layer))
            continue
        source = _compressed(library, layer, os.path.join(folder, str(place)), report)
        sources.append(source)
        changed["layers"][place] = {
            "mediaType": f"{layer.media_type}{'+gzip' if 'oci' in layer.media_type else '.gzip'}",
            "digest": str(source.digest),
            "size": source.size,
        }
    return json.dumps(changed, separators=(",", ":")).encode(), sources


def _stored(library: Library, blob: Descriptor) -> _Source:
    if not library.blobs.has(blob.digest, blob.size):
        raise ToolkitError(
            f"the store lacks the blob {blob.digest}", hint="pull or load the image again"
        )
    return _Source(path=library.blobs.path(blob.digest), digest=blob.digest, size=blob.size)


def _compressed(library: Library, layer: Descriptor, path: str, report: Report) -> _Source:
    """A plain layer as gzip; no time and no name in it, so the bytes are always the same."""
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
    seen, size, count = hashlib.sha256(), 0, 0
    meter = Meter(report, short(layer.digest.hex), "Compressing", layer.size)
    with library.blobs.open(layer.digest) as blob, open(path, "wb") as file:
        while data := blob.read(1 << 20):
            count += len(data)
            meter.at(count)
            size += _emit(packer.compress(data), seen, file)
        size += _emit(packer.flush(), seen, file)
    return _Source(path=path, digest=Digest(algorithm="sha256", hex=seen.hexdigest()), size=size)


def _emit(data: bytes, seen: Any, file: IO[bytes]) -> int:
    seen.update(data)
    file.write(data)
    return len(data)


def _put_manifest(server: Repository, manifest: bytes, reference: Reference) -> Digest:
    kind = parse_json(manifest, at="manifest").get("mediaType") or OCI_MANIFEST
    answer = server.ask(
        "PUT", f"manifests/{reference.tag}", headers={"Content-Type": kind}, body=manifest
    )
    digest = digest_of(manifest)
    with reading(server.endpoint, answer):
        if answer.status != CREATED:
            raise server.fault(answer, f"manifest of '{reference.familiar}'")
        said = answer.headers.get("Docker-Content-Digest")
        if said and parse_digest(said, at=server.endpoint.shown) != digest:
            raise lies(server.endpoint, f"it took the manifest {digest} for {said}")
    return digest


class _Upload:
    """One blob on its way."""

    def __init__(
        self, server: Repository, source: _Source, others: list[str], report: Report
    ) -> None:
        self._server = server
        self._source = source
        self._others = others
        self._report = report
        self._name = short(source.digest.hex)

    def run(self) -> None:
        """Mount or send it, unless it is there."""
        source = self._source
        if self._server.has_blob(source.digest):
            self._tell("Layer already exists")
            return
        location = ""
        for other in self._others:
            location = self._begin(f"?mount={source.digest}&from={quote(other, safe='')}")
            if not location:
                self._tell(f"Mounted from {other}")
                return
        location = location or self._begin("")
        if source.size <= _WHOLE:
            self._finish(location, source.part(0, source.size))
        else:
            self._in_chunks(location)
        self._tell("Pushed")

    def _begin(self, asked: str) -> str:
        """Where to send the blob to; empty where it was mounted."""
        answer = self._server.ask("POST", f"blobs/uploads/{asked}", body=b"", size=0)
        with reading(self._server.endpoint, answer):
            if answer.status == CREATED and asked:
                return ""
            if answer.status != ACCEPTED:
                raise self._server.fault(answer, f"upload of blob {self._source.digest}")
            return self._location(answer, "")

    def _location(self, answer: Any, asked: str) -> str:
        """Where to go on; a path without a host is one on the host that was asked."""
        location: str = urljoin(asked, answer.headers.get("Location", ""))
        if not location.startswith(("/", "http://", "https://")):
            raise lies(self._server.endpoint, f"an upload goes to '{location[:200]}'")
        return location

    def _in_chunks(self, location: str) -> None:
        source, sent, failures = self._source, 0, 0
        meter = Meter(self._report, self._name, "Pushing", source.size)
        while sent < source.size:
            chunk = source.part(sent, _CHUNK)
            try:
                location, sent = self._chunk(location, chunk, sent)
            except UnavailableError:
                failures += 1
                if failures == _TRIES:
                    raise
                location, sent = self._where(location)
            else:
                failures = 0
            meter.at(sent)
        self._finish(location, b"")

    def _chunk(self, location: str, chunk: bytes, begin: int) -> tuple[str, int]:
        end = begin + len(chunk)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"{begin}-{end - 1}",
        }
        answer = self._server.ask("PATCH", location, headers=headers, body=chunk, size=len(chunk))
        with reading(self._server.endpoint, answer):
            if answer.status != ACCEPTED:
                raise self._server.fault(answer, f"chunk of blob {self._source.digest}")
            return self._location(answer, location), _received(answer, end)

    def _where(self, location: str) -> tuple[str, int]:
        """How much of an upload arrived, after the line broke."""
        answer = self._server.ask("GET", location)
        with reading(self._server.endpoint, answer):
            if answer.status != NO_CONTENT:
                raise self._server.fault(answer, f"upload of blob {self._source.digest}")
            return self._location(answer, location), _received(answer, 0)

    def _finish(self, location: str, rest: bytes) -> None:
        mark = "&" if "?" in location else "?"
        answer = self._server.ask(
            "PUT",
            f"{location}{mark}digest={quote(str(self._source.digest), safe='')}",
            headers={"Content-Type": "application/octet-stream"},
            body=rest,
            size=len(rest),
        )
        with reading(self._server.endpoint, answer):
            if answer.status != CREATED:
                raise self._server.fault(answer, f"blob {self._source.digest}")

    def _tell(self, status: str) -> None:
        self._report(Step(status=status, id=self._name))


def _received(answer: Any, default: int) -> int:
    """How many bytes an upload has, by its ``Range: 0-END``."""
    _, dash, end = answer.headers.get("Range", "").partition("-")
    return int(end) + 1 if dash and end.isdigit() else default
