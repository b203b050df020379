"""The files of a container that does not run, as overlayfs would show them: a mount of nobody's.

The mount is detached: no path of the host leads to it, and it goes with its descriptor.
"""

import errno
import os
from contextlib import ExitStack

from toolkit.core.errors import UnsupportedError
from toolkit.linux.filesystems import FsConfig, fsconfig, fsmount, fsopen

_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def open_merged(lower: tuple[str, ...], *, upper: str = "", work: str = "") -> int:
    """An ``O_PATH`` descriptor of the root: ``lower``, topmost first, and ``upper`` over them."""
    if len(lower) == 1 and not upper:
        return os.open(lower[0], _PLACE)
    with ExitStack() as opened:
        return _overlay(lower, upper, work, opened)


def _overlay(lower: tuple[str, ...], upper: str, work: str, opened: ExitStack) -> int:
    """Layers are named by descriptors: a value of fsconfig(2) has at most 255 bytes."""

    def named(path: str) -> str:
        fd = os.open(path, _PLACE)
        opened.callback(os.close, fd)
        return f"/proc/self/fd/{fd}"

    layers = [named(path) for path in lower]
    overlay = fsopen("overlay")
    opened.callback(os.close, overlay)
    _set_layers(overlay, layers)
    if upper:
        fsconfig(overlay, FsConfig.SET_STRING, "upperdir", named(upper))
        fsconfig(overlay, FsConfig.SET_STRING, "workdir", named(work))
    fsconfig(overlay, FsConfig.CREATE)
    return fsmount(overlay)


def _set_layers(overlay: int, layers: list[str]) -> None:
    try:
        for layer in layers:
            fsconfig(overlay, FsConfig.SET_STRING, "lowerdir+", layer)
    except OSError as error:
        if error.errno != errno.EINVAL:  # as kernels before 6.8 answer, which take one list only
            raise
        joined = ":".join(layers)
        if len(joined) > 255:
            raise UnsupportedError(
                f"this kernel cannot show {len(layers)} layers of a stopped container",
                hint="start the container first",
            ) from None
        fsconfig(overlay, FsConfig.SET_STRING, "lowerdir", joined)
