"""Archives and layouts made by hand, honest and otherwise."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def entry(name: str, kind: bytes = tarfile.REGTYPE, **values: Any) -> tarfile.TarInfo:
    """A header; ``values`` are attributes of ``tarfile.TarInfo``."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in values.items():
        setattr(info, key, value)
    return info


def directory(name: str, **values: Any) -> tarfile.TarInfo:
    """A directory."""
    return entry(name, tarfile.DIRTYPE, **values)


def link(name: str, target: str, **values: Any) -> tarfile.TarInfo:
    """A symbolic link."""
    return entry(name, tarfile.SYMTYPE, linkname=target, **values)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    """A hard link."""
    return entry(name, tarfile.LNKTYPE, linkname=target)


def device(name: str, major: int, minor: int, kind: bytes = tarfile.CHRTYPE) -> tarfile.TarInfo:
    """A device node."""
    return entry(name, kind, devmajor=major, devminor=minor)


Content = tarfile.TarInfo | tuple[str | tarfile.TarInfo, bytes]


def tar_of(*contents: Content, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of headers and of (name or header, data) pairs, in order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for content in contents:
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            name, data = content
            info = entry(name) if isinstance(name, str) else name
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """The digest of ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config_of(layers: Iterable[bytes], **config: Any) -> dict[str, Any]:
    """An image's configuration for plain layers."""
    return {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        "config": config,
    }


class Layout:
    """An OCI layout being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifests: list[dict[str, Any]] = []
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.save()

    def blob(self, data: bytes, media_type: str = "", **more: Any) -> dict[str, Any]:
        """Store a blob; its descriptor."""
        digest = sha256(data)
        (self.path / "blobs/sha256" / digest.partition(":")[2]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def manifest(
        self, layers: list[dict[str, Any]], config: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """Store a manifest; its descriptor."""
        data = {
            "schemaVersion": 2,
            "config": self.blob(json.dumps(config).encode(), OCI_CONFIG),
            "layers": layers,
        }
        return self.blob(json.dumps(data).encode(), OCI_MANIFEST, **more)

    def image(
        self, *layers: bytes, name: str = "", compress: bool = True, **config: Any
    ) -> dict[str, Any]:
        """Store a whole image and name it in the index."""
        stored = [
            self.blob(gzip.compress(layer, mtime=0) if compress else layer, OCI_LAYER)
            for layer in layers
        ]
        named = {"annotations": {REF_NAME: name}} if name else {}
        made = self.manifest(stored, config_of(layers, **config), **named)
        self.manifests.append(made)
        self.save()
        return made

    def save(self) -> None:
        """Write the index."""
        index = {"schemaVersion": 2, "manifests": self.manifests}
        (self.path / "index.json").write_text(json.dumps(index))


OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


def docker_archive(*layers: bytes, tags: tuple[str, ...] = ("app:1",), **config: Any) -> bytes:
    """What ``docker save`` writes for one image."""
    data = json.dumps(config_of(layers, **config)).encode()
    name = f"{hashlib.sha256(data).hexdigest()}.json"
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": names}]
    return tar_of(
        *zip(names, layers, strict=True),
        (name, data),
        ("manifest.json", json.dumps(manifest).encode()),
    )
