"""Containers as ``containers/json`` lists them."""

from typing import TYPE_CHECKING, Any

from toolkit.engine import netshown
from toolkit.engine.described import mounts
from toolkit.engine.sizes import container_size
from toolkit.engine.words import status

if TYPE_CHECKING:
    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings


def summary(view: "View", settings: "Settings", *, sized: bool = False) -> dict[str, Any]:
    """One line of ``docker ps``; if ``sized`` what it wrote is counted."""
    found: dict[str, Any] = {
        "Id": view.id,
        "Names": [f"/{view.name}"],
        "Image": view.image,
        "ImageID": view.digest,
        "Command": " ".join(view.args),
        "Created": int(view.created),
        "Ports": _ports(view),
        "Labels": dict(text.partition("=")[::2] for text in view.labels),
        "State": view.status,
        "Status": status(view),
        "HostConfig": {"NetworkMode": view.config.network},
        "NetworkSettings": {
            "Networks": {one.network.name: netshown.place(view, one) for one in view.networks}
        },
        "Mounts": mounts(view, settings),
    }
    if sized:
        found["SizeRw"], found["SizeRootFs"] = container_size(view, settings)
    return found


def _ports(view: "View") -> list[dict[str, Any]]:
    shown = []
    for one in view.networks:
        for port in one.endpoint.ports:
            address = port.host or "0.0.0.0"  # noqa: S104 - shown, not bound
            place = {"IP": address, "PrivatePort": port.inner, "PublicPort": port.outer}
            shown.append({**place, "Type": port.protocol})
    return shown
