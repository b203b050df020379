"""A volume as ``docker volume inspect`` shows it."""

from toolkit.engine.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.volumes import Volume


def document(volume: "Volume") -> "dict[str, Any]":
    """One element of what ``inspect`` prints, and what the API answers."""
    return {
        "CreatedAt": stamp(volume.created),
        "Driver": volume.driver,
        "Labels": dict(volume.labels) or None,
        "Mountpoint": volume.path,
        "Name": volume.name,
        "Options": dict(volume.options) or None,
        "Scope": "local",
    }
