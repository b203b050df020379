"""What the store says of an image, and what it is given to make one."""

from toolkit.core.record import record
from toolkit.oci.digest import Digest


@record
class StoredImage:
    """One image in the store.

    ``id``: the digest of its configuration, as Docker has it. ``names``: whole references
    (``docker.io/library/x:1``), none for a dangling one. ``digests``: the ``name@digest`` by which
    registries know it. ``created``: its own word for when it was made, RFC 3339 or empty;
    ``added``: seconds since 1970. ``size``: bytes of its layers' files. ``chains``: the digits of
    its layers' chain ids, the lowest first, which are the names of their directories.
    """

    id: Digest
    manifest: Digest
    names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    added: float = 0.0
    size: int = 0
    chains: tuple[str, ...] = ()


@record
class LayerBlob:
    """A layer in the blob store: its blob, and the digest and bytes of its plain tar."""

    digest: Digest
    size: int
    media_type: str
    diff_id: Digest
    plain_size: int = 0


@record
class Removed:
    """What a removal did: the names (or ``name@digest``) taken away, the ids of images deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
