"""A root file system as an image: one layer, from a tar that is compressed or not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.compress import Source, plain
from toolkit.images.library import Library
from toolkit.images.stored import StoredImage
from toolkit.oci.image import Platform, this_platform


def import_tar(
    library: Library,
    source: Source,
    *,
    name: str = "",
    config: Mapping[str, Any] | None = None,
    message: str = "",
    platform: Platform | None = None,
) -> StoredImage:
    """An image of the tar in ``source``, which is read to its end; ``config`` is its ``config``."""
    here = platform or this_platform()
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    whole: dict[str, Any] = {
        "created": now,
        "architecture": here.architecture,
        "os": here.os,
        "config": dict(config or {}),
        "history": [{"created": now, "comment": message or "Imported"}],
    }
    if here.variant:
        whole["variant"] = here.variant
    with library.busy():
        layer = library.write_layer(plain(source))
        if not layer.size:
            raise InvalidInputError("there is nothing to import: the archive is empty")
        return library.commit_image(whole, [layer], [name] if name else [])


@contextmanager
def fetched(url: str) -> Iterator[Source]:
    """The content of a URL."""
    import urllib3  # noqa: PLC0415 - only for a URL

    with urllib3.PoolManager(retries=urllib3.Retry(3, redirect=5)) as pool:
        try:
            answer = pool.request("GET", url, preload_content=False, decode_content=False)
            if answer.status != 200:
                raise ToolkitError(f"'{url}' answers {answer.status}")
            yield answer
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise ToolkitError(f"'{url}' cannot be fetched: {error}") from None
