"""What an image becomes: directories for an overlay, and what the container should be."""

from toolkit.core.record import record
from toolkit.oci.image import ImageConfig


@record
class RootImage:
    """An image that is ready.

    ``lower``: its layers' directories, topmost first. ``binds``: (source, destination) pairs that
    are mounted read-only and recursively over them. ``digest``: the image's id, that is the digest
    of its configuration. ``manifest``: its manifest's digest, ``""`` where it has none.
    """

    reference: str
    lower: tuple[str, ...]
    config: ImageConfig
    binds: tuple[tuple[str, str], ...] = ()
    digest: str
    manifest: str = ""
