"""``_ping``, ``version``, ``info``."""

import os
import platform
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.routing import Route
from toolkit.api.version import API, OLDEST, RELEASE, shown
from toolkit.engine.stamps import stamp

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine

_UNCACHED = {"Cache-Control": "no-cache, no-store, must-revalidate", "Pragma": "no-cache"}


async def _ping(call: Call) -> web.StreamResponse:
    headers = {**_UNCACHED, "Builder-Version": "1", "Swarm": "inactive"}
    text = "" if call.request.method == "HEAD" else "OK"
    return web.Response(text=text, headers=headers)


async def _version(call: Call) -> web.StreamResponse:
    kernel = os.uname()
    common = {"Os": "linux", "Arch": _architecture(), "KernelVersion": kernel.release}
    made = {"ApiVersion": shown(API), "MinAPIVersion": shown(OLDEST), "GitCommit": ""}
    details = {**common, **made, "Experimental": "false", "BuildTime": "", "GoVersion": ""}
    del call
    return answer(
        {
            "Platform": {"Name": "Dockyard"},
            "Version": RELEASE,
            **made,
            **common,
            "GoVersion": "",
            "BuildTime": "",
            "Components": [{"Name": "Engine", "Version": RELEASE, "Details": details}],
        }
    )


async def _info(call: Call) -> web.StreamResponse:
    return answer(await call.engine(_describe))


def _describe(engine: "Engine") -> dict[str, Any]:
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
        "Images": 0,
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", "local"]],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": ["json-file", "none"],
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
        "ServerVersion": RELEASE,
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


def _architecture() -> str:
    """As Go calls it."""
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


ROUTES = (
    Route("GET", "/_ping", _ping),
    Route("HEAD", "/_ping", _ping),
    Route("GET", "/version", _version),
    Route("GET", "/info", _info),
)
