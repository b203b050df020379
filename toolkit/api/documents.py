"""Containers as ``containers/json`` lists them."""

from typing import TYPE_CHECKING, Any

from toolkit.engine import netshown
from toolkit.engine.sizes import container_size
from toolkit.engine.words import status

if TYPE_CHECKING:
    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings


def summary(view: "View", sized: "Settings | None" = None) -> dict[str, Any]:
    """One line of ``docker ps``; ``sized`` says where to count what it wrote."""
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
        "Mounts": mounts(view),
    }
    if sized is not None:
        found["SizeRw"], found["SizeRootFs"] = container_size(view, sized)
    return found


def _ports(view: "View") -> list[dict[str, Any]]:
    shown = []
    for one in view.networks:
        for port in one.endpoint.ports:
            address = port.host or "0.0.0.0"  # noqa: S104 - shown, not bound
            place = {"IP": address, "PrivatePort": port.inner, "PublicPort": port.outer}
            shown.append({**place, "Type": port.protocol})
    return shown


def mounts(view: "View") -> list[dict[str, Any]]:
    """What is mounted in a container."""
    binds = [
        {
            "Type": "bind",
            "Source": bind.source,
            "Destination": bind.target,
            "Mode": "ro" if bind.read_only else "",
            "RW": not bind.read_only,
            "Propagation": bind.propagation,
        }
        for bind in view.config.binds
    ]
    volumes = [
        {
            "Type": "volume",
            "Name": volume.name,
            "Source": "",
            "Destination": volume.target,
            "Driver": "local",
            "Mode": "ro" if volume.read_only else "z",
            "RW": not volume.read_only,
            "Propagation": "",
        }
        for volume in view.config.volumes
    ]
    return [*binds, *volumes]
