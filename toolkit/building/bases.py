"""Images to build upon, and to copy from."""

import os

from toolkit.building.draft import Draft
from toolkit.core.errors import NotFoundError, ToolkitError, UnsupportedError
from toolkit.images.loading import load_place
from toolkit.images.locate import is_path, locate
from toolkit.images.store import ImageStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.building.faults import Place
    from toolkit.building.site import Site
    from toolkit.images.stored import StoredImage

SCRATCH, HOST = "scratch", "host"


def find_image(site: "Site", name: str, place: "Place") -> Draft:
    """An image of the store, fetched first where it is not there or ``--pull`` asks for it."""
    if name.lower() == SCRATCH:
        return Draft.empty()
    if name == HOST:
        raise UnsupportedError(
            f"{place}: 'host' is this machine's own /usr, which is no layer of an image",
            hint="build on scratch, or on an image",
        )
    found = _find(site, name, place)
    root = ImageStore(site.library.data_root).resolve(str(found.id))
    lowers = tuple(os.path.abspath(path) for path in root.lower)
    return Draft.of(site.library.config(found), site.library.layer_blobs(found), lowers)


def _find(site: "Site", name: str, place: "Place") -> "StoredImage":
    try:
        if is_path(name):
            return load_place(site.library, locate(name))
        if site.request.pull:
            site.pull(name)
        return _missing_too(site, name)
    except ToolkitError as error:
        error.message = f"{place}: {error.message}"
        raise


def _missing_too(site: "Site", name: str) -> "StoredImage":
    """An image of the store, or one that was fetched because it was not there."""
    try:
        return site.library.find(name)
    except NotFoundError:
        if not site.pull(name):
            raise
    return site.library.find(name)
