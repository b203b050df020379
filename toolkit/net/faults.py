"""What the kernel answers on netlink, as our errors."""

import errno
import os

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError, UnsupportedError

_KINDS: "dict[int, tuple[type[ToolkitError], str]]" = {
    errno.ENODEV: (NotFoundError, ""),
    errno.EEXIST: (ConflictError, "see what is there with 'ip address'"),
    errno.EADDRNOTAVAIL: (NotFoundError, "see what is there with 'ip address'"),
    errno.EPERM: (ToolkitError, "this needs root (CAP_NET_ADMIN)"),
    errno.EOPNOTSUPP: (UnsupportedError, "the kernel lacks that kind of link"),
}


def failure(code: int, action: str, name: str) -> ToolkitError:
    """``cannot ACTION 'NAME': why`` for an errno."""
    make, hint = _KINDS.get(code, (ToolkitError, ""))
    return make(f"cannot {action} '{name}': {os.strerror(code)}", hint=hint)
