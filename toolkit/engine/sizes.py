"""How much disk a container takes: what it wrote, and what its image's layers hold."""

from toolkit.images.layers import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings


def container_size(view: "View", settings: "Settings") -> tuple[int, int]:
    """(bytes written, bytes with its layers); trees of the host that it shows are not counted."""
    written = written_size(settings, view.id)
    return written, written + sum(_size(layer) for layer in view.lower)


def written_size(settings: "Settings", container: str) -> int:
    """Bytes that a container wrote."""
    return _size(f"{settings.container_dir(container)}/upper")


def _size(directory: str) -> int:
    try:
        return count(directory)[1]
    except FileNotFoundError:
        return 0  # it lies in memory, or was removed just now
