"""How much an image may ask of this machine, and what of a layer is kept."""

from toolkit.core.record import record

MAX_JSON = 8 * 1024 * 1024  # index, manifest and configuration, each
MAX_LAYERS = 500  # what overlayfs stacks (OVL_MAX_STACK)


@record
class Limits:
    """Bounds for one layer; ``stream`` counts the plain tar, headers and all."""

    entries: int = 2_000_000
    bytes: int = 128 * 1024**3
    stream: int = 160 * 1024**3


@record
class Policy:
    """What the unpacking process may make.

    ``owners``: keep uid and gid. ``devices``: make device nodes, else leave them out with a note.
    ``opaque``: the attribute that hides what lies below a directory (overlayfs.rst, "whiteouts
    and opaque directories"; ``user.`` where nobody is root). Without ``whiteouts`` the archive is
    no layer, and a name that begins with ``.wh.`` is a name like others.
    """

    owners: bool
    devices: bool
    opaque: str
    whiteouts: bool = True


ROOT_POLICY = Policy(owners=True, devices=True, opaque="trusted.overlay.opaque")
USER_POLICY = Policy(owners=False, devices=False, opaque="user.overlay.opaque")
