"""A container as ``docker inspect`` shows it: Docker's names and shapes, what we know of it."""

from toolkit.engine import netshown
from toolkit.engine.health import shown
from toolkit.engine.stamps import stamp
from toolkit.oci.image import encode_health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings

_NANO = 10**9


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
        "Driver": "overlay",
        "HostConfig": _host_config(view),
        "Mounts": [
            {
                "Type": "bind",
                "Source": bind.source,
                "Destination": bind.target,
                "RW": not bind.read_only,
                "Propagation": bind.propagation,
            }
            for bind in view.config.binds
        ],
        "Config": _config(view),
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


def _host_config(view: "View") -> "dict[str, Any]":
    config = view.config
    quota, period = config.cpu_quota, config.cpu_period
    return {
        "Binds": [f"{bind.source}:{bind.target}" for bind in config.binds],
        "NetworkMode": config.network,
        "PidMode": config.pid,
        "IpcMode": config.ipc or "private",
        "AutoRemove": config.auto_remove,
        "RestartPolicy": {
            "Name": config.restart or "no",
            "MaximumRetryCount": config.restart_retries,
        },
        "CapAdd": list(config.cap_add),
        "CapDrop": list(config.cap_drop),
        "Privileged": config.privileged,
        "ReadonlyRootfs": config.read_only,
        "Memory": config.memory,
        "MemorySwap": config.memory_swap,
        "NanoCpus": quota * _NANO // period if quota and period else 0,
        "CpuShares": config.cpu_shares,
        "CpusetCpus": config.cpuset_cpus,
        "PidsLimit": config.pids_limit,
        "CgroupParent": config.cgroup_parent,
        "SecurityOpt": _security(view),
        "Tmpfs": {tmpfs.target: ",".join(tmpfs.options) for tmpfs in config.tmpfs},
    }


def _security(view: "View") -> list[str]:
    options = ["no-new-privileges"] if view.config.no_new_privileges else []
    return [*options, f"seccomp={view.config.seccomp}"] if view.config.seccomp else options


def _config(view: "View") -> "dict[str, Any]":
    config = view.config
    return {
        "Hostname": config.hostname or view.id[:12],
        "User": config.user,
        "Tty": config.tty,
        "OpenStdin": config.interactive,
        "Env": list(config.env),
        "Cmd": list(config.command),
        "Entrypoint": None if config.entrypoint is None else list(config.entrypoint),
        "Image": view.image,
        "WorkingDir": config.workdir,
        "Labels": dict(text.partition("=")[::2] for text in view.labels),
        "StopSignal": config.stop_signal,
        **({"Healthcheck": encode_health(config.health[0])} if config.health else {}),
    }
