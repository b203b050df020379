"""From what a step wrote to a layer of the store: its blob, and its directory in its place."""

import os
from itertools import chain

from toolkit.building.cache import Cache
from toolkit.images.boot import boot_id
from toolkit.images.layers import Layer
from toolkit.images.layerwriter import LayerWriter
from toolkit.images.stored import LayerBlob
from toolkit.oci.image import chain_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.building.draft import Draft
    from toolkit.building.site import Site
    from toolkit.building.workshop import Bench


def harvest(
    site: "Site", bench: "Bench", draft: "Draft", places: frozenset[bytes]
) -> tuple[LayerBlob | None, str]:
    """The layer that a step made and its chain id; None and nothing where it changed nothing.

    ``places`` are those of mounts: what was made there to be mounted over is no change.
    """
    writer = LayerWriter(
        bench.upper, draft.lowers, stubs=places, latest=site.request.epoch, settle=True
    )
    chunks = writer.chunks()
    first = next(chunks, b"")
    if not first:
        return None, ""
    layer = site.library.write_layer(chain((first,), chunks))
    place = chain_ids((*(one.diff_id for one in draft.layers), layer.diff_id))[-1]
    layers = site.library.layers
    try:
        writer.tidy()
        with layers.making(place) as part:
            if part is not None:
                os.rmdir(part.diff)
                os.rename(bench.upper, part.diff)
                made = Layer(
                    diff_id=str(layer.diff_id),
                    files=writer.files,
                    bytes=writer.bytes,
                    boot=boot_id(),
                )
                layers.finish(part, place, made)
    except BaseException:
        cache = Cache(site.library.data_root)
        cache.abandon(layer, place.hex)
        cache.close()
        raise
    return layer, place.hex
