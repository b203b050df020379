"""The system call filter of a request, compiled or found among those compiled before."""

from __future__ import annotations

import os

from toolkit.runtime.seccomp import compile_profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.request import StartRequest

_FILTERS = ".filters"  # no name of a container begins with a dot


def filter_program(request: StartRequest) -> bytes:
    """The program for ``linux.seccomp``, ``b""`` where none is asked for.

    Kept beside the states: loading libseccomp and compiling take 75 ms, which each container
    would pay otherwise.
    """
    spec = request.spec
    if spec.linux.seccomp is None:
        return b""
    held = spec.process.capabilities if spec.process is not None else None
    return compile_profile(
        dict(spec.linux.seccomp),
        () if held is None else held.bounding,
        cache_dir=os.path.join(os.path.dirname(request.state_dir), _FILTERS),
    )
