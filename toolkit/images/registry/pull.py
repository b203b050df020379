"""From a registry into the store: manifest, platform, layers at once, unpacked as they come."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.images.files import Blob
from toolkit.images.library import Library, key_of
from toolkit.images.limits import MAX_JSON
from toolkit.images.prepare import unpack_found
from toolkit.images.progress import Meter, Report, Step, nobody, short
from toolkit.images.registry.client import (
    Access,
    Fetched,
    LyingError,
    Repository,
    lies,
    read_bounded,
    reading,
    repositories,
)
from toolkit.images.registry.fetch import Fetch, Follower
from toolkit.images.sources import Found, LayerFile, check_image, pick
from toolkit.images.stored import StoredImage
from toolkit.oci.digest import Digest, digest_of
from toolkit.oci.image import (
    Index,
    Manifest,
    Platform,
    chain_ids,
    decode_image,
    decode_manifest,
    parse_json,
    this_platform,
)
from toolkit.oci.reference import Reference

PARALLEL = 3  # layers at once, Docker's figure
_MAX_DEPTH = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """What a pull brought: the image, the digest of what was asked for, and who answered."""

    image: StoredImage
    digest: Digest
    server: str
    news: bool


def pull(
    library: Library,
    reference: Reference,
    access: Access,
    *,
    platform: Platform | None = None,
    report: Report = nobody,
) -> Pulled:
    """Fetch an image and give it its name; ``ToolkitError`` where no server has or gives it."""
    wanted = str(reference.digest or reference.tag)
    report(Step(status=f"Pulling from {reference.path}", id=wanted))
    answered, sources = _resolve(access, reference, wanted)
    top = answered.digest
    manifest, fetched = _choose(sources, answered, platform or this_platform(), str(reference))
    if sources[0].endpoint.namespace:
        report(Step(status=f"Answered by the mirror {sources[0].endpoint.shown}"))
    digests = (f"{reference.name}@{top}",)
    names = () if reference.digest else (key_of(reference),)
    with library.busy():
        found = _image_of(library, sources, manifest, fetched.digest)
        before = library.holds(found.config_digest, fetched.digest)
        _layers_of_any(library, sources, manifest, found, report)
        image = library.admit(fetched.data, names=names, digests=digests)
    report(Step(status=f"Digest: {top}"))
    said = "Image is up to date for" if before else "Downloaded newer image for"
    report(Step(status=f"Status: {said} {reference.familiar}"))
    server = sources[0].endpoint.shown
    return Pulled(image=image, digest=top, server=server, news=not before)


def _resolve(access: Access, reference: Reference, wanted: str) -> tuple[Fetched, list[Repository]]:
    """The manifest from the first server that gives it, which from then on is asked first."""
    capability = "pull" if reference.digest else "resolve"
    servers = repositories(access, reference, capability)
    failed: list[ToolkitError] = []
    for server in servers:
        try:
            found = server.manifest(wanted)
        except ToolkitError as error:
            failed.append(error)
        else:
            others = repositories(access, reference, "pull")
            rest = [one for one in others if one.endpoint != server.endpoint]
            return found, [server, *rest]
    last = failed[-1]
    if len(failed) > 1:
        before = "; ".join(error.message for error in failed[:-1])
        raise type(last)(last.message, hint=f"before it: {before}")
    raise last


def _choose(
    sources: list[Repository], fetched: Fetched, platform: Platform, name: str
) -> tuple[Manifest, Fetched]:
    """The image for ``platform``, through as many indexes as it takes."""
    for _ in range(_MAX_DEPTH):
        at = f"manifest {fetched.digest}"
        data = parse_json(fetched.data, at=at)
        if isinstance(data, dict) and not data.get("mediaType"):
            data["mediaType"] = fetched.media_type
        manifest = decode_manifest(data, at=at)
        if not isinstance(manifest, Index):
            return manifest, fetched
        chosen = pick(manifest.manifests, platform, name)
        fetched = _from_any(sources, chosen.digest)
        if len(fetched.data) != chosen.size:
            raise lies(
                fetched.endpoint, f"manifest {chosen.digest} has not its {chosen.size} bytes"
            )
    raise InvalidInputError(f"'{name}': indexes are nested too deep")


def _from_any(sources: list[Repository], digest: Digest) -> Fetched:
    for source in sources[:-1]:
        try:
            return source.manifest(str(digest))
        except ToolkitError:
            continue
    return sources[-1].manifest(str(digest))


def _image_of(
    library: Library, sources: list[Repository], manifest: Manifest, digest: Digest
) -> Found:
    """The image's configuration, fetched and checked; its layers' digests are checked elsewhere."""
    wanted = manifest.config
    if library.blobs.has(wanted.digest, wanted.size):
        data = library.blobs.read(wanted.digest, name="configuration")
    else:
        data = _small_blob(sources, wanted.digest, wanted.size)
        library.blobs.put(data)
    at = f"configuration {wanted.digest}"
    layers = tuple(
        LayerFile(name=str(layer.digest), digest=None, size=None) for layer in manifest.layers
    )
    found = Found(
        image=decode_image(parse_json(data, at=at), at=at),
        config_digest=wanted.digest,
        manifest_digest=digest,
        layers=layers,
    )
    return check_image(found, str(digest))


def _small_blob(sources: list[Repository], digest: Digest, size: int) -> bytes:
    for place, source in enumerate(sources):
        try:
            answer, _ = source.blob(digest)
            with reading(source.endpoint, answer):
                data = read_bounded(answer, min(size, MAX_JSON), source.endpoint)
            if digest_of(data, algorithm=digest.algorithm) != digest:
                raise lies(source.endpoint, f"blob {digest} has the digest {digest_of(data)}")
        except ToolkitError:
            if place == len(sources) - 1:
                raise
        else:
            return data
    raise NotFoundError(f"no server has blob {digest}")


def _layers_of_any(
    library: Library,
    sources: list[Repository],
    manifest: Manifest,
    found: Found,
    report: Report,
) -> None:
    """Fetch the layers; whoever sends something else than it promised is asked no more."""
    trusted = list(sources)
    while True:
        try:
            _fetch_layers(library, trusted, manifest, found, report)
        except LyingError as error:
            trusted = [one for one in trusted if one.endpoint != error.endpoint]
            if not trusted:
                raise
            report(Step(status=f"{error.message}; asking {trusted[0].endpoint.shown} instead"))
        else:
            return


def _fetch_layers(
    library: Library,
    sources: list[Repository],
    manifest: Manifest,
    found: Found,
    report: Report,
) -> None:
    """Fetch what is not there, a few at once, and unpack each while it comes."""
    stop = threading.Event()
    fetches: dict[str, Fetch] = {}
    for layer, chain in zip(manifest.layers, chain_ids(found.image.diff_ids), strict=True):
        name = short(layer.digest.hex)
        if str(layer.digest) in fetches:
            continue
        if library.blobs.has(layer.digest, layer.size) and library.layers.find(chain):
            report(Step(status="Already exists", id=name))
            continue
        report(Step(status="Pulling fs layer", id=name))
        fetches[str(layer.digest)] = Fetch(library.blobs, sources, layer, report=report, stop=stop)
    with ExitStack() as stack:
        stack.callback(stop.set)
        _start(list(fetches.values()))
        files = _Coming(library, fetches, report)

        def give_up() -> None:
            stop.set()
            for fetch in fetches.values():
                fetch.stir()

        try:
            unpack_found(library.data_root, files, found, limits=library.limits, give_up=give_up)
        except InvalidInputError as error:
            for fetch in fetches.values():  # that a blob is wrong explains more than what it did
                fetch.wait()
            fault = lies(sources[0].endpoint, error.message)  # all of it is what was promised
            raise ToolkitError(fault.message, hint=fault.hint) from None
        for fetch in fetches.values():
            fetch.wait()
            report(Step(status="Pull complete", id=fetch.name))


def _start(fetches: list[Fetch]) -> None:
    """Work them off in order; daemons, for who is interrupted shall not wait for a silent line."""
    rest = iter(fetches)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                fetch = next(rest, None)
            if fetch is None:
                return
            fetch.run()

    for _ in range(min(PARALLEL, len(fetches))):
        threading.Thread(target=work, daemon=True).start()


class _Coming:
    """The layers as files, for who unpacks: those that are fetched just now, and stored ones."""

    def __init__(self, library: Library, fetches: dict[str, Fetch], report: Report) -> None:
        self._library = library
        self._fetches = fetches
        self._report = report

    def has(self, name: str) -> bool:
        """Whether it is one of the image's layers."""
        return name in self._fetches

    @contextmanager
    def open(self, name: str) -> "Iterator[Blob | _Metered]":
        """The layer of that digest."""
        algorithm, _, digits = name.partition(":")
        fetch = self._fetches.get(name)
        follower = fetch.follow() if fetch else None
        if follower:
            with follower:
                yield _Metered(follower, self._report, digits)
            return
        with self._library.blobs.open(Digest(algorithm=algorithm, hex=digits)) as blob:
            yield blob

    def close(self) -> None:
        """Nothing is held."""


class _Metered:
    """A follower that tells how far it is."""

    def __init__(self, follower: Follower, report: Report, digits: str) -> None:
        self._follower = follower
        self._meter = Meter(report, short(digits), "Extracting", follower.size)
        self._count = 0
        self.size = follower.size

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        data = self._follower.read(size)
        self._count += len(data)
        if self._follower.is_whole:
            self._meter.at(self._count)
        return data
