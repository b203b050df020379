"""From the body of ``containers/create`` to a ``ContainerConfig``, and nothing ignored on the way.

What Docker's clients send by default means nothing here; a value that asks for something which the
engine does not offer is refused with a sentence. Unknown keys are left alone: clients send extras.
"""

from collections.abc import Mapping
from typing import Any

from toolkit.api import mounting
from toolkit.api.reading import Reader
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import replace
from toolkit.engine import restarts, values
from toolkit.engine.config import (
    Attach,
    ContainerConfig,
    DeviceAsk,
    DeviceRate,
    Ulimit,
)
from toolkit.engine.ports import parse_expose, parse_publish
from toolkit.engine.signals import parse_signal
from toolkit.net.wiring import Port
from toolkit.oci.image import Healthcheck

_NANO = 10**9
_APART = ("host", "none")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what a client writes for every address

# Key of HostConfig → what is fine although nobody does anything about it. Anything else is refused.
_IDLE: dict[str, tuple[object, ...]] = {
    "BlkioWeightDevice": ([],),
    "Cgroup": ("",),
    "CpuRealtimePeriod": (0,),
    "CpuRealtimeRuntime": (0,),
    "DeviceRequests": ([],),
    "Isolation": ("", "default"),
    "KernelMemory": (0,),
    "KernelMemoryTCP": (0,),
    "MaskedPaths": ([],),
    "ReadonlyPaths": ([],),
    "Runtime": ("", "dockyard", "runc"),
    "StorageOpt": ({},),
    "VolumeDriver": ("", "local"),
}
_IDLE_END: dict[str, tuple[object, ...]] = {"DriverOpts": ({},), "GwPriority": (0,), "Links": ([],)}


def container_config(body: Mapping[str, Any], *, name: str, network: str) -> ContainerConfig:
    """The container that a client asks for; ``network`` is that of one who asks for none."""
    config = Reader(body)
    host = config.part("HostConfig")
    host.refuse_all_but(_IDLE)
    image = config.text("Image")
    if not image:
        raise InvalidInputError("no image is given")
    mounts = mounting.read(config, host)
    asked = ContainerConfig(
        image=image,
        name=name.removeprefix("/"),
        command=config.texts("Cmd"),
        entrypoint=_entrypoint(config),
        env=values.merge_env(config.texts("Env")),
        workdir=config.text("WorkingDir"),
        user=config.text("User"),
        hostname=config.text("Hostname"),
        domainname=config.text("Domainname"),
        labels=tuple(values.parse_label(text) for text in config.pairs("Labels")),
        interactive=config.flag("OpenStdin"),
        stdin_once=config.flag("StdinOnce"),
        tty=config.flag("Tty"),
        detach=True,  # whoever asked may leave: the log is kept and nobody's end ends it
        rows=_console(host, 0),
        columns=_console(host, 1),
        auto_remove=host.flag("AutoRemove"),
        stop_signal=_stop_signal(config.text("StopSignal")),
        stop_timeout=config.number("StopTimeout", -1),
        health=_health(config.part("Healthcheck")),
        binds=tuple(mounts.binds),
        volumes=tuple(mounts.volumes),
        tmpfs=tuple(mounts.tmpfs),
        volumes_from=host.texts("VolumesFrom"),
    )
    asked = _with_networks(asked, config, host, network)
    return _with_limits(_with_rights(_with_modes(asked, host), host), host)


def _with_modes(asked: ContainerConfig, host: Reader) -> ContainerConfig:
    """What it shares with the host, how it goes on, where its log goes."""
    policy = host.part("RestartPolicy")
    restart, _ = restarts.parse_policy(policy.text("Name"))
    if restart and asked.auto_remove:
        raise InvalidInputError("can't create 'AutoRemove' container with restart policy")
    log = host.part("LogConfig")
    return replace(
        asked,
        restart=restart,
        restart_retries=policy.number("MaximumRetryCount"),
        log_driver="" if log.text("Type") == "json-file" else log.text("Type"),
        log_options=log.pairs("Config"),
        pid=host.text("PidMode"),
        ipc=host.text("IpcMode"),
        uts=host.text("UTSMode"),
        userns=host.text("UsernsMode"),
        cgroupns=host.text("CgroupnsMode"),
        init=host.flag("Init"),
        shm_size=host.number("ShmSize"),
        read_only=host.flag("ReadonlyRootfs"),
        sysctls=host.pairs("Sysctls"),
        annotations=host.pairs("Annotations"),
        cgroup_parent=values.parse_cgroup_parent(host.text("CgroupParent")),
    )


def _with_rights(asked: ContainerConfig, host: Reader) -> ContainerConfig:
    """Capabilities, filters, devices."""
    security = _security(host.texts("SecurityOpt"))
    return replace(
        asked,
        **security,
        cap_add=host.texts("CapAdd"),
        cap_drop=host.texts("CapDrop"),
        privileged=host.flag("Privileged"),
        group_add=host.texts("GroupAdd"),
        unmasked=host.data.get("MaskedPaths") == [] and host.data.get("ReadonlyPaths") == [],
        devices=tuple(
            DeviceAsk(
                source=one.text("PathOnHost"),
                target=one.text("PathInContainer") or one.text("PathOnHost"),
                access=one.text("CgroupPermissions") or "rwm",
            )
            for one in host.items("Devices")
        ),
        device_rules=host.texts("DeviceCgroupRules"),
    )


def _with_limits(asked: ContainerConfig, host: Reader) -> ContainerConfig:
    quota, period = _cpus(host)
    rates = {"BlkioDeviceReadBps": "rbps", "BlkioDeviceWriteBps": "wbps"}
    rates |= {"BlkioDeviceReadIOps": "riops", "BlkioDeviceWriteIOps": "wiops"}
    return replace(
        asked,
        memory=host.number("Memory"),
        memory_swap=host.number("MemorySwap"),
        memory_reservation=host.number("MemoryReservation"),
        memory_swappiness=host.number("MemorySwappiness", -1),
        oom_kill_disable=host.flag("OomKillDisable"),
        oom_score_adj=host.number("OomScoreAdj"),
        cpu_quota=quota,
        cpu_period=period,
        cpu_shares=host.number("CpuShares"),
        cpuset_cpus=host.text("CpusetCpus"),
        cpuset_mems=host.text("CpusetMems"),
        pids_limit=host.number("PidsLimit"),
        blkio_weight=host.number("BlkioWeight"),
        device_rates=tuple(
            DeviceRate(kind=kind, path=one.text("Path"), rate=one.number("Rate"))
            for key, kind in rates.items()
            for one in host.items(key)
        ),
        ulimits=tuple(
            Ulimit(name=one.text("Name"), soft=one.number("Soft"), hard=one.number("Hard"))
            for one in host.items("Ulimits")
        ),
    )


def _with_networks(
    asked: ContainerConfig, config: Reader, host: Reader, default: str
) -> ContainerConfig:
    """Where it is attached: the mode first, then what else ``NetworkingConfig`` names."""
    mode = host.text("NetworkMode")
    if config.flag("NetworkDisabled"):
        mode = "none"
    network = default if mode in ("", "default") else mode
    ends = config.part("NetworkingConfig").table("EndpointsConfig")
    first = endpoint(network, ends.get(network) or ends.get("default") or {})
    more = [
        endpoint(name, found or {}) for name, found in ends.items() if name not in (network, mode)
    ]
    return replace(
        asked,
        network=network,
        ip=first.ip,
        ip6=first.ip6,
        mac_address=first.mac_address or config.text("MacAddress"),
        aliases=first.aliases,
        attach=() if network in _APART else tuple(more),
        links=tuple(values.parse_link(text) for text in host.texts("Links")),
        ports=_ports(host),
        expose=tuple(port for text in config.table("ExposedPorts") for port in parse_expose(text)),
        publish_all=host.flag("PublishAllPorts"),
        add_hosts=tuple(values.parse_add_host(text) for text in host.texts("ExtraHosts")),
        dns=tuple(values.parse_server(text) for text in host.texts("Dns")),
        dns_search=host.texts("DnsSearch"),
        dns_options=host.texts("DnsOptions"),
    )


def endpoint(network: str, data: Mapping[str, Any]) -> Attach:
    """One of ``EndpointsConfig``."""
    found = Reader(data, f"EndpointsConfig.{network}.")
    found.refuse_all_but(_IDLE_END)
    address = found.part("IPAMConfig")
    address.refuse_all_but({"LinkLocalIPs": ([],)})
    return Attach(
        network=network,
        ip=address.text("IPv4Address") or found.text("IPAddress"),
        ip6=address.text("IPv6Address") or found.text("GlobalIPv6Address"),
        mac_address=found.text("MacAddress"),
        aliases=found.texts("Aliases"),
    )


def _entrypoint(config: Reader) -> tuple[str, ...] | None:
    """None is the image's own; Docker says ``[""]`` for none at all."""
    if config.data.get("Entrypoint") is None:
        return None
    found = config.texts("Entrypoint")
    return () if found == ("",) else found or None


def _health(asked: Reader) -> tuple[Healthcheck, ...]:
    if not asked.data:
        return ()
    health = Healthcheck(
        test=asked.texts("Test"),
        interval=asked.number("Interval"),
        timeout=asked.number("Timeout"),
        start_period=asked.number("StartPeriod"),
        start_interval=asked.number("StartInterval"),
        retries=asked.number("Retries"),
    )
    return () if health == Healthcheck() else (health,)


def _cpus(host: Reader) -> tuple[int, int]:
    nano = host.number("NanoCpus")
    if nano:
        return nano * values.CPU_PERIOD // _NANO, values.CPU_PERIOD
    return host.number("CpuQuota"), host.number("CpuPeriod")


def _security(options: tuple[str, ...]) -> dict[str, Any]:
    """Fields of the config; a seccomp profile comes as its text."""
    found: dict[str, Any] = {}
    for option in options:
        sign = "=" if "=" in option else ":"
        name, _, value = option.partition(sign)
        if name == "no-new-privileges" and value in ("", "true", "false"):
            found["no_new_privileges"] = value != "false"
        elif name == "seccomp" and value:
            found["seccomp"] = "" if value == "builtin" else value
        elif name == "apparmor" and value:
            found["apparmor"] = value
        elif option in {"label=disable", "label:disable"}:
            continue  # there is no SELinux label to leave out
        elif option == "systempaths=unconfined":
            found["unmasked"] = True
        else:
            raise UnsupportedError(f"security-opt: '{option}' is not built")
    return found


def _ports(host: Reader) -> tuple[Port, ...]:
    found: list[Port] = []
    for inner, bindings in host.table("PortBindings").items():
        for binding in bindings or [{}]:
            outer, address = binding.get("HostPort") or "", binding.get("HostIp") or ""
            if address in _EVERYWHERE:
                address = ""
            address = f"[{address}]" if ":" in address else address
            text = f"{address}:{outer}:{inner}" if address else f"{outer or '0'}:{inner}"
            found += parse_publish(text)
    return tuple(found)


def _console(host: Reader, place: int) -> int:
    size = host.data.get("ConsoleSize")
    return int(size[place]) if isinstance(size, list) and len(size) == 2 else 0


def _stop_signal(text: str) -> str:
    if text:
        parse_signal(text)
    return text
