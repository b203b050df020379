"""What a container was asked to be, in Docker's shapes: ``Config``, ``HostConfig``, ``Mounts``."""

from toolkit.engine.defaults import SHM_SIZE
from toolkit.engine.values import merge_env
from toolkit.oci.image import encode_health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.config import ContainerConfig, VolumeMount
    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings

_NANO = 10**9
_OCTETS = {"rbps": "ReadBps", "wbps": "WriteBps", "riops": "ReadIOps", "wiops": "WriteIOps"}


def config(view: "View") -> "dict[str, Any]":
    """``Config``: what it runs; what was not asked is the image's."""
    asked, says = view.config, view.says
    entrypoint = says.entrypoint if asked.entrypoint is None else asked.entrypoint
    own = asked.command or (says.cmd if asked.entrypoint is None else ())
    exposed = (*says.exposed_ports, *asked.expose)
    volumes = (*says.volumes, *(one.target for one in asked.volumes if not one.name))
    return {
        "Hostname": asked.hostname or view.id[:12],
        "Domainname": asked.domainname,
        "User": asked.user or says.user,
        "AttachStdin": False,
        "AttachStdout": not asked.detach,
        "AttachStderr": not asked.detach,
        "ExposedPorts": {port: {} for port in exposed} or None,
        "Tty": asked.tty,
        "OpenStdin": asked.interactive,
        "StdinOnce": asked.stdin_once,
        "Env": list(merge_env(says.env, asked.env)),
        "Cmd": list(own) or None,
        "Image": view.image,
        "Volumes": {target: {} for target in volumes} or None,
        "WorkingDir": asked.workdir or says.workdir,
        "Entrypoint": list(entrypoint) or None,
        "Labels": dict(text.partition("=")[::2] for text in view.labels),
        "StopSignal": asked.stop_signal or says.stop_signal,
        **({"StopTimeout": asked.stop_timeout} if asked.stop_timeout >= 0 else {}),
        **({"Healthcheck": encode_health(asked.health[0])} if asked.health else {}),
    }


def host_config(view: "View") -> "dict[str, Any]":
    """``HostConfig``: what it may, and what it sees of the host."""
    asked = view.config
    return {
        **_places(asked),
        **_limits(asked),
        "NetworkMode": asked.network,
        "PortBindings": _bindings(asked),
        "PublishAllPorts": asked.publish_all,
        "RestartPolicy": {
            "Name": asked.restart or "no",
            "MaximumRetryCount": asked.restart_retries,
        },
        "AutoRemove": asked.auto_remove,
        "LogConfig": {
            "Type": asked.log_driver or "json-file",
            "Config": _table(asked.log_options),
        },
        "Dns": list(asked.dns),
        "DnsOptions": list(asked.dns_options),
        "DnsSearch": list(asked.dns_search),
        "ExtraHosts": list(asked.add_hosts) or None,
        "Links": list(asked.links) or None,
        "CapAdd": list(asked.cap_add) or None,
        "CapDrop": list(asked.cap_drop) or None,
        "GroupAdd": list(asked.group_add) or None,
        "Privileged": asked.privileged,
        "ReadonlyRootfs": asked.read_only,
        "SecurityOpt": _security(asked) or None,
        "PidMode": asked.pid,
        "IpcMode": asked.ipc or "private",
        "UTSMode": asked.uts,
        "UsernsMode": asked.userns,
        "CgroupnsMode": asked.cgroupns or "private",
        "CgroupParent": asked.cgroup_parent,
        "Cgroup": "",
        "Init": asked.init or None,
        "Isolation": "",
        "Runtime": "dockyard",
        "ConsoleSize": [asked.rows, asked.columns],
        "Sysctls": _table(asked.sysctls) or None,
        "Annotations": _table(asked.annotations) or None,
    }


def mounts(view: "View", settings: "Settings") -> "list[dict[str, Any]]":
    """``Mounts``: directories of the host and volumes."""
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
            "Source": settings.volume_dir(volume.name),
            "Destination": volume.target,
            "Driver": "local",
            "Mode": "ro" if volume.read_only else "z",
            "RW": not volume.read_only,
            "Propagation": "",
        }
        for volume in view.config.volumes
    ]
    return [*binds, *volumes]


def _places(asked: "ContainerConfig") -> "dict[str, Any]":
    """What it sees beside its image."""
    binds = [
        f"{bind.source}:{bind.target}:ro" if bind.read_only else f"{bind.source}:{bind.target}"
        for bind in asked.binds
    ]
    binds += [_volume(one) for one in asked.volumes if one.name]
    return {
        "Binds": binds or None,
        "Tmpfs": {tmpfs.target: ",".join(tmpfs.options) for tmpfs in asked.tmpfs},
        "VolumesFrom": list(asked.volumes_from) or None,
        "VolumeDriver": "",
        "ShmSize": asked.shm_size or SHM_SIZE,
        "Devices": [
            {
                "PathOnHost": one.source,
                "PathInContainer": one.target,
                "CgroupPermissions": one.access,
            }
            for one in asked.devices
        ],
        "DeviceCgroupRules": list(asked.device_rules) or None,
        "DeviceRequests": None,
    }


def _volume(one: "VolumeMount") -> str:
    return f"{one.name}:{one.target}:ro" if one.read_only else f"{one.name}:{one.target}"


def _limits(asked: "ContainerConfig") -> "dict[str, Any]":
    quota, period = asked.cpu_quota, asked.cpu_period
    rates = {
        f"BlkioDevice{key}": [
            {"Path": one.path, "Rate": one.rate} for one in asked.device_rates if one.kind == kind
        ]
        or None
        for kind, key in _OCTETS.items()
    }
    return {
        **rates,
        "Memory": asked.memory,
        "MemorySwap": asked.memory_swap,
        "MemoryReservation": asked.memory_reservation,
        "MemorySwappiness": None if asked.memory_swappiness < 0 else asked.memory_swappiness,
        "OomKillDisable": asked.oom_kill_disable,
        "OomScoreAdj": asked.oom_score_adj,
        "NanoCpus": quota * _NANO // period if quota and period else 0,
        "CpuShares": asked.cpu_shares,
        "CpuPeriod": period,
        "CpuQuota": quota,
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "CpusetCpus": asked.cpuset_cpus,
        "CpusetMems": asked.cpuset_mems,
        "PidsLimit": asked.pids_limit or None,
        "BlkioWeight": asked.blkio_weight,
        "BlkioWeightDevice": None,
        "Ulimits": [
            {"Name": one.name, "Soft": one.soft, "Hard": one.hard} for one in asked.ulimits
        ],
    }


def _bindings(asked: "ContainerConfig") -> "dict[str, Any]":
    """As they were asked for; those in force are in ``NetworkSettings``."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in asked.ports:
        outer = f"{port.outer}-{port.last}" if port.last else str(port.outer or "")
        there = found.setdefault(f"{port.inner}/{port.protocol}", [])
        there.append({"HostIp": port.host, "HostPort": outer})
    return found


def _security(asked: "ContainerConfig") -> list[str]:
    options = ["no-new-privileges"] if asked.no_new_privileges else []
    options += [f"seccomp={asked.seccomp}"] if asked.seccomp else []
    return options + ([f"apparmor={asked.apparmor}"] if asked.apparmor else [])


def _table(texts: tuple[str, ...]) -> dict[str, str]:
    return dict(text.partition("=")[::2] for text in texts)
