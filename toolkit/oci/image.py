"""Image indexes, manifests and configurations as records; light, for it is on a start's path.

Source: image-spec image-index.md, manifest.md, config.md and descriptor.md; Docker's own media
types beside them. Unknown properties are ignored, as the specification demands, and ``null``
means absent, for that is how Go programs write it. A fault names its JSON path:
``index.json: manifests[0].size: expected a whole number, not text``.
"""

import os

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.oci.digest import Digest, parse_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"

_MACHINES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "i386": ("386", ""),
    "loongarch64": ("loong64", ""),
}


@record
class Platform:
    """What an image runs on, in Go's names."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def accepts(self, other: "Platform") -> bool:
        """Whether a machine of this platform runs an image for ``other``."""
        same = (self.os, self.architecture) == (other.os, other.architecture)
        return same and (not other.variant or not self.variant or self.variant >= other.variant)


def this_platform() -> Platform:
    """The platform of this machine."""
    machine = os.uname().machine
    architecture, variant = _MACHINES.get(machine, (machine, ""))
    return Platform(os="linux", architecture=architecture, variant=variant)


@record
class Descriptor:
    """A blob's type, digest and size in bytes; ``platform`` only in an index."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: "Mapping[str, str]"


@record
class Manifest:
    """One image for one platform: its configuration and its layers, the lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: "Mapping[str, str]"


@record
class Index:
    """Several manifests, or further indexes."""

    manifests: tuple[Descriptor, ...]
    annotations: "Mapping[str, str]"


@record
class Healthcheck:
    """How to tell whether a container is well, as Docker's images say it.

    ``test`` is ``CMD`` and a command, ``CMD-SHELL`` and a line, or ``NONE``; durations are
    nanoseconds. An empty test and a 0 say nothing.
    """

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


_NO_CHECK = Healthcheck()


@record
class ImageConfig:
    """What an image asks of a container: the ``config`` object of its configuration.

    ``env`` holds ``NAME=value`` only: an entry without ``=`` would let a container inherit a
    variable of the host (CVE-2026-57231), so it is dropped. ``healthcheck`` and ``shell`` are
    Docker's additions.
    """

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    stop_signal: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    healthcheck: Healthcheck = _NO_CHECK
    shell: tuple[str, ...] = ()
    labels: "Mapping[str, str]"


@record
class Image:
    """An image's configuration: platform, ``config`` and the digests of its plain layers."""

    platform: Platform
    config: ImageConfig
    diff_ids: tuple[Digest, ...]
    created: str = ""


class Fields:
    """Typed reading of one JSON object; ``at`` is its path in errors."""

    def __init__(self, data: object, at: str) -> None:
        if not isinstance(data, dict):
            raise InvalidInputError(f"{at}: expected an object, not {_kind(data)}")
        self._data: dict[str, Any] = data
        self.at = at

    def _get(self, name: str, kind: type, expected: str, default: "Any") -> "Any":
        value = self._data.get(name)
        if value is None:
            if default is None:
                raise InvalidInputError(f"{self._path(name)}: missing")
            return default
        if type(value) is not kind:
            raise InvalidInputError(f"{self._path(name)}: expected {expected}, not {_kind(value)}")
        return value

    def _path(self, name: str) -> str:
        return f"{self.at}.{name}" if ": " in self.at else f"{self.at}: {name}"

    def has(self, name: str) -> bool:
        """Whether the object has a value of that name."""
        return self._data.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without ``default`` it must be there."""
        value: str = self._get(name, str, "text", default)
        return value

    def number(self, name: str) -> int:
        """A whole number that must be there, 0 or more."""
        value: int = self._get(name, int, "a whole number", None)
        if value < 0:
            raise InvalidInputError(f"{self._path(name)}: {value} is negative")
        return value

    def list(self, name: str, default: "tuple[()] | None" = ()) -> "Iterator[tuple[Any, str]]":
        """The items of a list, each with its path."""
        items = self._get(name, list, "a list", default)
        return ((item, f"{self._path(name)}[{index}]") for index, item in enumerate(items))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where absent."""
        return tuple(_text(item, at) for item, at in self.list(name))

    def mapping(self, name: str) -> "dict[str, str]":
        """An object of texts, empty where absent."""
        found = self._get(name, dict, "an object", {})
        return {key: _text(value, f"{self._path(name)}.{key}") for key, value in found.items()}

    def keys(self, name: str) -> tuple[str, ...]:
        """The names in an object that Go uses as a set."""
        return tuple(self._get(name, dict, "an object", {}))

    def inner(self, name: str, *, optional: bool = False) -> "Fields":
        """An object inside this one; an empty one where it is ``optional`` and absent."""
        return Fields(
            self._get(name, dict, "an object", {} if optional else None), self._path(name)
        )


def parse_json(data: bytes, *, at: str) -> "Any":
    """The JSON value in ``data``; ``InvalidInputError`` names ``at`` and the place."""
    import json  # noqa: PLC0415 - an image that is ready needs it not

    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{at}: no valid JSON: {error}") from None


def decode_manifest(data: object, *, at: str) -> Manifest | Index:
    """A manifest or an index, told apart by its media type or, without one, by its shape."""
    fields = Fields(data, at)
    media_type = fields.text("mediaType", "")
    if media_type.startswith(_DOCKER_SCHEMA_1) or fields.has("fsLayers"):
        raise UnsupportedError(
            f"{at}: Docker's schema 1 is not supported",
            hint="save or push the image again with a Docker of 2017 or later",
        )
    if media_type in INDEX_TYPES or (not media_type and fields.has("manifests")):
        return decode_index(data, at=at)
    if media_type and media_type not in MANIFEST_TYPES:
        raise UnsupportedError(f"{at}: '{media_type}' is no image manifest")
    layers = tuple(_descriptor(item, where) for item, where in fields.list("layers", None))
    return Manifest(
        config=_descriptor_of(fields.inner("config")),
        layers=layers,
        annotations=fields.mapping("annotations"),
    )


def decode_index(data: object, *, at: str) -> Index:
    """An image index."""
    fields = Fields(data, at)
    return Index(
        manifests=tuple(_descriptor(item, where) for item, where in fields.list("manifests", None)),
        annotations=fields.mapping("annotations"),
    )


def decode_image(data: object, *, at: str) -> Image:
    """An image's configuration."""
    fields = Fields(data, at)
    rootfs = fields.inner("rootfs")
    diff_ids = tuple(
        parse_digest(_text(item, where), at=where) for item, where in rootfs.list("diff_ids")
    )
    return Image(
        platform=_platform(fields),
        config=decode_config(fields.inner("config", optional=True)),
        diff_ids=diff_ids,
        created=fields.text("created", ""),
    )


def decode_config(fields: Fields) -> ImageConfig:
    """The ``config`` object of an image's configuration."""
    return ImageConfig(
        env=tuple(item for item in fields.texts("Env") if "=" in item[1:]),
        entrypoint=fields.texts("Entrypoint"),
        cmd=fields.texts("Cmd"),
        workdir=fields.text("WorkingDir", ""),
        user=fields.text("User", ""),
        stop_signal=fields.text("StopSignal", ""),
        volumes=fields.keys("Volumes"),
        exposed_ports=fields.keys("ExposedPorts"),
        healthcheck=_healthcheck(fields) if fields.has("Healthcheck") else _NO_CHECK,
        shell=fields.texts("Shell"),
        labels=fields.mapping("Labels"),
    )


def _healthcheck(config: Fields) -> Healthcheck:
    fields = config.inner("Healthcheck")
    numbers = {name: fields.number(key) for key, name in _HEALTH_NUMBERS.items() if fields.has(key)}
    return Healthcheck(test=fields.texts("Test"), **numbers)


_HEALTH_NUMBERS = {
    "Interval": "interval",
    "Timeout": "timeout",
    "StartPeriod": "start_period",
    "StartInterval": "start_interval",
    "Retries": "retries",
}


def encode_health(check: Healthcheck) -> "dict[str, Any]":
    """Docker's ``Healthcheck``; what says nothing is left out."""
    numbers = {key: getattr(check, name) for key, name in _HEALTH_NUMBERS.items()}
    found: dict[str, Any] = {key: value for key, value in numbers.items() if value}
    return {"Test": list(check.test), **found} if check.test else found


def encode_config(config: ImageConfig) -> "dict[str, Any]":
    """The object that ``decode_config`` reads."""
    more: dict[str, Any] = {}
    if config.healthcheck != Healthcheck():
        more["Healthcheck"] = encode_health(config.healthcheck)
    if config.shell:
        more["Shell"] = list(config.shell)
    return {
        **more,
        "Env": list(config.env),
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.cmd),
        "WorkingDir": config.workdir,
        "User": config.user,
        "StopSignal": config.stop_signal,
        "Volumes": {name: {} for name in config.volumes},
        "ExposedPorts": {name: {} for name in config.exposed_ports},
        "Labels": dict(config.labels),
    }


def chain_ids(diff_ids: tuple[Digest, ...]) -> tuple[Digest, ...]:
    """The chain id of each layer: what lies at and below it (config.md, "Layer ChainID")."""
    import hashlib  # noqa: PLC0415 - an image that is ready needs it not

    chain: list[Digest] = []
    for diff_id in diff_ids:
        if not chain:
            chain.append(diff_id)
            continue
        both = f"{chain[-1]} {diff_id}".encode()
        chain.append(Digest(algorithm="sha256", hex=hashlib.sha256(both).hexdigest()))
    return tuple(chain)


def _descriptor(data: object, at: str) -> Descriptor:
    return _descriptor_of(Fields(data, at))


def _descriptor_of(fields: Fields) -> Descriptor:
    return Descriptor(
        media_type=fields.text("mediaType", ""),
        digest=parse_digest(fields.text("digest"), at=f"{fields.at}.digest"),
        size=fields.number("size"),
        platform=_platform(fields.inner("platform")) if fields.has("platform") else None,
        annotations=fields.mapping("annotations"),
    )


def _platform(fields: Fields) -> Platform:
    return Platform(
        os=fields.text("os", ""),
        architecture=fields.text("architecture", ""),
        variant=fields.text("variant", ""),
    )


def _text(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{at}: expected text, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
    }
    return names[type(value)]
