"""The process that unpacks: started once an image, it forks a confined child for each layer.

A fresh interpreter, because its caller may have threads. It speaks on one Unix socket: a request is
a JSON object with the descriptors of the tar stream, of the report and of the layer's lock; the
child writes one JSON object to the report and ends. The lock is open in the child too, so a
caller that is killed does not free the directory before its child has stopped writing.
"""

import json
import os
import socket
import sys
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import as_dict
from toolkit.images.confine import confine
from toolkit.images.extract import Extractor
from toolkit.images.limits import Limits, Policy
from toolkit.images.tar import PipeSource, TarReader

MAX_REQUEST = 256 * 1024


def request(
    *, directory: str, lowers: tuple[str, ...], limits: Limits, policy: Policy
) -> dict[str, Any]:
    """What ``serve`` understands."""
    return {
        "directory": directory,
        "lowers": lowers,
        "limits": as_dict(limits),
        "policy": as_dict(policy),
    }


def main() -> None:
    """Serve the socket whose number is the last argument until its other end closes."""
    serve(socket.socket(fileno=int(sys.argv[-1])))


def serve(control: socket.socket) -> None:
    """Answer requests one after the other."""
    while True:
        data, fds, _, _ = socket.recv_fds(control, MAX_REQUEST, 3)
        if not data:
            return
        stream, report, lock = fds
        child = os.fork()
        if not child:
            control.close()
            _child(json.loads(data), stream, report)
        for fd in (stream, report, lock):
            os.close(fd)
        os.waitpid(child, 0)


def _child(asked: dict[str, Any], stream: int, report: int) -> None:
    """Unpack, report, end: never return into the loop."""
    try:
        answer = _unpack(asked, stream)
    except InvalidInputError as error:
        answer = {"error": error.message, "hint": error.hint}
    except OSError as error:
        answer = {"errno": error.errno, "error": error.strerror, "path": error.filename or ""}
    except BaseException as error:  # noqa: BLE001 - a process's edge: the caller must hear of it
        answer = {"error": f"unpacking failed: {type(error).__name__}: {error}", "bug": True}
    try:
        os.write(report, json.dumps(answer).encode("utf-8", "surrogateescape"))
    except BrokenPipeError:
        pass  # the caller was killed
    finally:
        os._exit(0)


def _unpack(asked: dict[str, Any], stream: int) -> dict[str, Any]:
    flags = os.O_PATH | os.O_DIRECTORY
    lowers = tuple(os.open(path, flags) for path in asked["lowers"])
    root = confine(asked["directory"])
    os.umask(0)
    reader = TarReader(PipeSource(stream))
    extractor = Extractor(
        root, lowers=lowers, policy=Policy(**asked["policy"]), limits=Limits(**asked["limits"])
    )
    totals = extractor.run(reader)
    reader.drain()
    return {"entries": totals.entries, "bytes": totals.bytes, "notes": totals.notes}
