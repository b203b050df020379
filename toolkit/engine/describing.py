"""A container as ``docker inspect`` shows it: Docker's names and shapes, what we know of it."""

from toolkit.engine import described, netshown
from toolkit.engine.health import shown
from toolkit.engine.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings


def document(view: "View", settings: "Settings") -> "dict[str, Any]":
    """One element of the list that ``inspect`` prints, and what the API answers."""
    return {
        "Id": view.id,
        "Created": stamp(view.created),
        "Path": view.args[0],
        "Args": list(view.args[1:]),
        "State": _state(view, settings),
        "RestartCount": view.restarts,
        "Image": view.digest,
        "ResolvConfPath": f"{settings.container_dir(view.id)}/resolv.conf",
        "HostnamePath": f"{settings.container_dir(view.id)}/hostname",
        "HostsPath": f"{settings.container_dir(view.id)}/hosts",
        "LogPath": view.log,
        "Name": f"/{view.name}",
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": view.config.apparmor,
        "ExecIDs": None,
        "GraphDriver": {"Name": "overlay2", "Data": _layers(view, settings)},
        "HostConfig": described.host_config(view),
        "Mounts": described.mounts(view, settings),
        "Config": described.config(view),
        "NetworkSettings": netshown.settings(view),
    }


def _state(view: "View", settings: "Settings") -> "dict[str, Any]":
    health = {"Health": shown(settings, view.id, view.pid)} if view.health else {}
    return {
        **health,
        "Status": view.status,
        "Running": view.status in ("running", "paused", "restarting"),
        "Paused": view.status == "paused",
        "Restarting": view.status == "restarting",
        "OOMKilled": view.oom_killed,
        "Dead": False,
        "Pid": view.pid,
        "ExitCode": view.exit_status,
        "Error": view.error,
        "StartedAt": stamp(view.started),
        "FinishedAt": stamp(view.finished),
    }


def _layers(view: "View", settings: "Settings") -> "dict[str, str] | None":
    if not view.lower:
        return None
    own = f"{settings.container_dir(view.id)}/upper"
    return {"LowerDir": ":".join(view.lower), "UpperDir": own}
