"""The process that unpacks: started once an image, it forks a confined child for each layer.

A child gets the stream of the layer's tar, the layer's lock, and a socket. The lock is open in the
child too, so a caller that is killed does not free the directory before its child has stopped
writing. Layers are unpacked side by side: a child looks at those below its own only once all of its
own is in place, and waits on the socket until the caller sends their directories.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any

from toolkit.core.errors import ToolkitError
from toolkit.core.record import as_dict
from toolkit.images.confine import confine
from toolkit.images.extract import Extractor
from toolkit.images.forking import serve
from toolkit.images.limits import Limits, Policy
from toolkit.images.tar import PipeSource, TarReader

MAX_LOWERS = 200  # directories in one message; the kernel takes 253
MORE, LAST = b"more", b"last"


def request(*, directory: str, limits: Limits, policy: Policy) -> dict[str, Any]:
    """What a child understands."""
    return {"directory": directory, "limits": as_dict(limits), "policy": as_dict(policy)}


def main() -> None:
    """Serve until nobody asks any more."""
    serve(_unpack)


def _unpack(asked: dict[str, Any], fds: Sequence[int]) -> dict[str, Any]:
    _report, stream, _lock, talk = fds
    root = confine(asked["directory"])
    os.umask(0)
    reader = TarReader(PipeSource(stream))

    def lowers() -> tuple[int, ...]:
        reader.drain()
        return _lowers(talk)

    extractor = Extractor(
        root, lowers=lowers, policy=Policy(**asked["policy"]), limits=Limits(**asked["limits"])
    )
    totals = extractor.run(reader)
    return {"entries": totals.entries, "bytes": totals.bytes, "notes": totals.notes}


def _lowers(talk: int) -> tuple[int, ...]:
    """The directories of the layers below, topmost first, once all of them are whole."""
    found: list[int] = []
    with socket.socket(fileno=os.dup(talk)) as channel:
        while True:
            said, fds, _, _ = socket.recv_fds(channel, len(MORE), MAX_LOWERS)
            found += fds
            if said == LAST:
                return tuple(found)
            if said != MORE:
                raise ToolkitError("the layer was given up")
