"""Containers as ``containers/json`` lists them."""

from typing import TYPE_CHECKING, Any

from toolkit.engine import netshown
from toolkit.engine.described import mounts
from toolkit.engine.ports import hosts
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
    """Those that the host leads to, then those that it only names."""
    bound = [port for one in view.networks for port in one.endpoint.ports]
    shown: list[dict[str, Any]] = [
        {
            "IP": address,
            "PrivatePort": port.inner,
            "PublicPort": port.outer,
            "Type": port.protocol,
        }
        for port in bound
        for address in hosts(port)
    ]
    known = {f"{port.inner}/{port.protocol}" for port in bound}
    if view.status in ("running", "paused"):
        for text in dict.fromkeys((*view.says.exposed_ports, *view.config.expose)):
            number, _, protocol = text.partition("/")
            if f"{number}/{protocol or 'tcp'}" not in known and number.isdigit():
                shown.append({"PrivatePort": int(number), "Type": protocol or "tcp"})
    return shown
