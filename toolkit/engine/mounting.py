"""Which volumes a container gets, and what they begin with.

Asked for by ``-v``, ``--mount``, ``--volumes-from``, and by the image's own VOLUME. Worked out when
the container is made, so that it has the same ones at every start.
"""

import os
import stat

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.engine.config import Bind, VolumeMount
from toolkit.engine.merged import open_merged
from toolkit.engine.names import random_id
from toolkit.linux.paths import open_in_root
from toolkit.runtime.copyup import copy_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import PlainImage

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def resolve(
    config: "ContainerConfig",
    wanted: tuple[str, ...],
    look: "Callable[[str], ContainerConfig]",
) -> "ContainerConfig":
    """The config with every volume named; ``wanted`` are the places of the image's VOLUME.

    ``look`` finds the config of another container. What is asked for itself wins over what comes
    from others, and that over the image's.
    """
    taken = _targets(config.binds, config.volumes, (mount.target for mount in config.tmpfs))
    binds, volumes = list(config.binds), list(config.volumes)
    for text in config.volumes_from:
        name, read_only = parse_from(text)
        other = look(name)
        binds += [
            replace(bind, read_only=bind.read_only or read_only)
            for bind in other.binds
            if _clean(bind.target) not in taken
        ]
        volumes += [
            replace(volume, read_only=volume.read_only or read_only)
            for volume in other.volumes
            if _clean(volume.target) not in taken
        ]
        taken = _targets(binds, volumes, taken)
    volumes += [VolumeMount(target=place) for place in wanted if _clean(place) not in taken]
    named = tuple(one if one.name else replace(one, name=random_id()) for one in volumes)
    return replace(config, binds=tuple(binds), volumes=named)


def parse_from(text: str) -> tuple[str, bool]:
    """``NAME[:ro|rw]`` of ``--volumes-from``."""
    name, _, mode = text.partition(":")
    if not name or mode not in ("", "ro", "rw", "z", "Z"):
        raise InvalidInputError(f"volumes-from: '{text}' is not NAME[:ro]")
    return name, mode == "ro"


def with_binds(config: "ContainerConfig", settings: "Settings") -> "ContainerConfig":
    """The config with its volumes as directories of the host."""
    binds = tuple(
        Bind(source=_source(one, settings), target=one.target, read_only=one.read_only)
        for one in config.volumes
    )
    return replace(config, binds=(*config.binds, *binds))


def _source(mount: VolumeMount, settings: "Settings") -> str:
    """A part of a volume is found without leaving it: what is in there may be anybody's."""
    path = settings.volume_dir(mount.name)
    if not mount.subpath:
        return path
    root = os.open(path, _FOLDER)
    try:
        fd = open_in_root(root, mount.subpath, os.O_PATH)
        try:
            return os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise InvalidInputError(
            f"volume '{mount.name}' has no '{mount.subpath}'", hint="make it first"
        ) from None
    finally:
        os.close(root)


def fill(mounts: "Iterable[VolumeMount]", image: "PlainImage", settings: "Settings") -> None:
    """Let volumes that are empty begin with what the image has at their place."""
    for mount in mounts:
        path = settings.volume_dir(mount.name)
        if mount.copy and not mount.subpath and not os.listdir(path):
            _copy_up(image, mount.target, path)


def _copy_up(image: "PlainImage", target: str, path: str) -> None:
    source = _open_in_image(image, target)
    if source < 0:
        return
    try:
        if stat.S_ISDIR(os.fstat(source).st_mode):
            into = os.open(path, _FOLDER | os.O_NOFOLLOW)
            try:
                copy_directory(source, into)
            finally:
                os.close(into)
    finally:
        os.close(source)


def _open_in_image(image: "PlainImage", target: str) -> int:
    """A descriptor of the image's directory at ``target``; -1 where there is none."""
    for outside, inside in image.binds:
        if target == inside or target.startswith(f"{inside}/"):
            root, rest = os.open(outside, os.O_PATH | os.O_CLOEXEC), target.removeprefix(inside)
            break
    else:
        root, rest = open_merged(image.lower), target
    try:
        return open_in_root(root, rest.strip("/"), _FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    finally:
        os.close(root)


def _targets(
    binds: "Iterable[Bind]", volumes: "Iterable[VolumeMount]", others: "Iterable[str]"
) -> set[str]:
    found = {_clean(bind.target) for bind in binds} | {_clean(one.target) for one in volumes}
    return found | {_clean(place) for place in others}


def _clean(path: str) -> str:
    return os.path.normpath(path)
