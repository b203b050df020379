"""The way in: ``ImageStore(data_root).resolve(reference)``; see ``library`` for all the rest.

A reference is ``host``, a path (``/…``, ``./…``, ``oci:…``), or what the store has under that
name, ``name@digest``, id or beginning of an id. ``NotStoredError`` says that a registry may help.

An image that was resolved before is remembered in ``resolved/``, keyed by the file that it came
from and that file's times, so a start costs a handful of ``stat`` calls. What reads and unpacks
images is imported only when that memory does not help.
"""

import os

from toolkit.images.boot import boot_id
from toolkit.images.locate import HOST, Place, is_path, locate
from toolkit.images.root import RootImage
from toolkit.oci.digest import parse_digest
from toolkit.oci.image import Fields, decode_config, encode_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.images.limits import Limits

_VERSION = 1


class ImageStore:
    """Images below ``data_root``, and those that lie elsewhere on this machine."""

    def __init__(self, data_root: str, *, limits: "Limits | None" = None) -> None:
        self.data_root = os.path.abspath(data_root)
        self._limits = limits
        self._layers = os.path.join(self.data_root, "layers")

    def resolve(self, reference: str) -> RootImage:
        """Make the image ready, which unpacks what is not unpacked yet.

        ``NotFoundError`` where there is none; ``InvalidInputError`` for one that is broken or lies;
        ``ToolkitError`` where the disk is full. After an error nothing half made is left.
        """
        try:
            self._sweep()
            if reference == HOST:
                return self._resolve_host()
            stored = None if is_path(reference) else self._resolve_stored(reference)
            return stored or self._resolve_place(reference)
        except OSError as error:
            from toolkit.images.faults import os_error  # noqa: PLC0415 - only for an error

            raise os_error(error, self.data_root) from None

    def _resolve_place(self, reference: str) -> RootImage:
        place = locate(reference)
        memory = self._memory(_key(place))
        found = self._recall(memory, reference, place.stamp)
        if found is None:
            from toolkit.images.prepare import prepare  # noqa: PLC0415 - only for a new image

            found = prepare(self.data_root, reference, place, limits=self._limits)
            self._remember(memory, found, place.stamp)
        return found

    def _resolve_stored(self, reference: str) -> RootImage | None:
        """The image of that name in the store, if it has one."""
        database = os.path.join(self.data_root, "state.db")
        if not os.path.exists(database):
            return None
        from toolkit.images.lookup import lookup  # noqa: PLC0415 - not for a path
        from toolkit.images.tables import ImageState  # noqa: PLC0415 - as above

        with ImageState(database) as state:
            row = lookup(state, reference)
        if row is None:
            return None
        image, manifest = row
        memory = self._memory(f"image.{image.partition(':')[2]}")
        found = self._recall(memory, reference, ())
        if found is None:
            from toolkit.images.prepare import prepare_stored  # noqa: PLC0415 - only at first

            digest = parse_digest(manifest, at="state.db")
            found = prepare_stored(self.data_root, reference, digest, limits=self._limits)
            self._remember(memory, found, ())
        return found

    def _resolve_host(self) -> RootImage:
        from toolkit.images.host_stamp import host_stamp  # noqa: PLC0415 - only for this image

        stamp = host_stamp()
        memory = self._memory(HOST)
        found = self._recall(memory, HOST, stamp)
        if found is None:
            from toolkit.images.prepare import prepare_host  # noqa: PLC0415 - only at first

            found = prepare_host(self.data_root, limits=self._limits)
            self._remember(memory, found, stamp)
        return found

    def _sweep(self) -> None:
        """Remove what a killed command left; costs one listing of a directory that is empty."""
        try:
            if not os.listdir(os.path.join(self._layers, ".parts")):
                return
        except FileNotFoundError:
            return
        from toolkit.images.layers import LayerStore  # noqa: PLC0415 - seldom needed

        LayerStore(self.data_root).sweep()

    def _memory(self, key: str) -> str:
        return os.path.join(self.data_root, "resolved", f"{key}.json")

    def _recall(self, memory: str, reference: str, stamp: tuple[int, ...]) -> RootImage | None:
        """What was remembered, if it still holds."""
        import json  # noqa: PLC0415 - the runtime has it; whoever only lists images has not

        try:
            with open(memory, "rb") as file:
                data = json.load(file)
            if (data["version"], data["stamp"], data["boot"]) != (_VERSION, list(stamp), boot_id()):
                return None
            lower = tuple(os.path.join(self._layers, name, "diff") for name in data["layers"])
            for path in lower:
                os.stat(path)
            return _decode(data, reference, lower)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError):
            return None  # torn by a crash: it is written anew

    def _remember(self, memory: str, found: RootImage, stamp: tuple[int, ...]) -> None:
        import json  # noqa: PLC0415 - as above

        from toolkit.core.files import write_atomic  # noqa: PLC0415 - only for a new image

        os.makedirs(os.path.dirname(memory), mode=0o700, exist_ok=True)
        data = {
            "version": _VERSION,
            "stamp": stamp,
            "boot": boot_id(),
            "layers": [os.path.basename(os.path.dirname(path)) for path in found.lower],
            "config": encode_config(found.config),
            "binds": found.binds,
            "digest": found.digest,
            "manifest": found.manifest,
        }
        write_atomic(memory, json.dumps(data).encode(), mode=0o600, sync=False)


def _decode(data: "dict[str, Any]", reference: str, lower: tuple[str, ...]) -> RootImage:
    return RootImage(
        reference=reference,
        lower=lower,
        config=decode_config(Fields(data["config"], "resolved")),
        binds=tuple((source, target) for source, target in data["binds"]),
        digest=data["digest"],
        manifest=data["manifest"],
    )


def _key(place: Place) -> str:
    """A file name for the image: its inode, so that a replaced archive replaces its memory."""
    device, inode = place.stamp[:2]
    tag = "".join(c if c.isalnum() and c.isascii() else f"%{ord(c):x}" for c in place.tag[:40])
    return f"{device:x}.{inode:x}.{tag}" if tag else f"{device:x}.{inode:x}"
