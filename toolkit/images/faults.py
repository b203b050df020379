"""A kernel's refusal, as the one line that a person can act on."""

import errno

from toolkit.core.errors import ToolkitError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM)


def os_error(error: OSError, data_root: str) -> ToolkitError:
    """The error as a ``ToolkitError``; a full disk and a missing right get their own hint."""
    said = f"{error.strerror}: {error.filename!r}" if error.filename else str(error.strerror)
    if error.errno in _FULL:
        return ToolkitError(
            f"no space left for images below '{data_root}': {said}",
            hint="free some space, or choose another data root",
        )
    hint = "run it as root" if error.errno in _DENIED else ""
    return ToolkitError(f"the image cannot be made ready: {said}", hint=hint)
