"""This engine and its machine, in the shape of Docker's ``info``."""

import os
import platform
import time

from toolkit.engine.logplan import DRIVERS
from toolkit.engine.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.engine import Engine


def describe(engine: "Engine", *, release: str, images: int) -> "dict[str, Any]":
    """All that ``info`` tells; ``release`` is this program's, ``images`` how many there are."""
    views = engine.list(all=True)
    counts = {
        state: sum(1 for view in views if view.status == state) for state in ("running", "paused")
    }
    kernel = os.uname()
    return {
        "ID": _identity(),
        "Containers": len(views),
        "ContainersRunning": counts["running"],
        "ContainersPaused": counts["paused"],
        "ContainersStopped": len(views) - sum(counts.values()),
        "Images": images,
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", "local"]],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": list(DRIVERS),
        },
        "MemoryLimit": True,
        "SwapLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "PidsLimit": True,
        "IPv4Forwarding": True,
        "Debug": False,
        "NFd": len(os.listdir("/proc/self/fd")),
        "NGoroutines": 0,
        "SystemTime": stamp(time.time()),
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "1",
        "NEventsListener": 0,
        "KernelVersion": kernel.release,
        "OperatingSystem": _distribution("PRETTY_NAME"),
        "OSVersion": _distribution("VERSION_ID"),
        "OSType": "linux",
        "Architecture": kernel.machine,
        "IndexServerAddress": "",
        "RegistryConfig": {"IndexConfigs": {}, "InsecureRegistryCIDRs": [], "Mirrors": []},
        "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "GenericResources": None,
        "DockerRootDir": engine.settings.data_root,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Name": kernel.nodename,
        "Labels": [],
        "ExperimentalBuild": False,
        "ServerVersion": release,
        "Runtimes": {"dockyard": {"path": "dockyard-oci"}},
        "DefaultRuntime": "dockyard",
        "Swarm": {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive"},
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "InitBinary": "",
        "SecurityOptions": ["name=seccomp,profile=builtin"],
        "Warnings": [],
    }


def _identity() -> str:
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _distribution(key: str) -> str:
    try:
        return platform.freedesktop_os_release().get(key, "")
    except OSError:
        return ""


def architecture() -> str:
    """This machine's, as Go calls it."""
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
