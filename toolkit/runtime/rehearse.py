"""A start played through without the kernel, so that the next one finds all at hand.

Python's memory is shared between launcher, shim and init until somebody writes, and most of a
start's pages are written by counting references. A spare that has been through the motions has its
own copies already; what is worked out on the way (records' plans, mount options) is remembered.
"""

from __future__ import annotations

from toolkit.oci.spec import Capabilities, Linux, Mount, Namespace, Process, Spec
from toolkit.runtime import groups, identity, messages, reaper
from toolkit.runtime.cgroupfs import cgroup_steps
from toolkit.runtime.plan import plan
from toolkit.runtime.request import Overlay, StartRequest, from_data, to_data
from toolkit.runtime.support import check_support

_LATE = (reaper,)  # what an init may need once the host's files are out of reach
_SAFE = ("nosuid", "noexec", "nodev")
# The option lists that engines use (Docker's default mounts), which parsing remembers.
_MOUNTS = (
    ("/proc", "proc", _SAFE),
    ("/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    (
        "/dev/pts",
        "devpts",
        ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    ("/dev/shm", "tmpfs", (*_SAFE, "mode=1777", "size=67108864")),  # noqa: S108 - a mount point
    ("/dev/mqueue", "mqueue", _SAFE),
    ("/sys", "sysfs", (*_SAFE, "ro")),
    ("/sys/fs/cgroup", "cgroup", (*_SAFE, "ro")),
    ("/etc/hosts", "bind", ("rbind", "rprivate")),
    ("/etc/hostname", "bind", ("rbind", "ro", "rprivate")),
)


def _sample() -> str:
    spec = Spec(
        hostname="rehearsal",
        process=Process(
            args=("true",),
            cwd="/",
            env=("PATH=/bin",),
            capabilities=Capabilities(bounding=("CAP_CHOWN",)),
        ),
        mounts=tuple(
            Mount(destination=where, type=kind, source=kind, options=options)
            for where, kind, options in _MOUNTS
        ),
        linux=Linux(
            namespaces=tuple(
                Namespace(type=name) for name in ("mount", "pid", "uts", "network", "cgroup")
            ),
            sysctl={"net.ipv4.ping_group_range": "0 0"},
            masked_paths=("/proc/kcore",),
            readonly_paths=("/proc/sys",),
        ),
    )
    request = StartRequest(
        id="rehearsal",
        spec=spec,
        state_dir="/",
        cgroup="",
        overlay=Overlay(lower=("/",), upper="tmpfs:", work=""),
    )
    return messages.encode(to_data(request))


_SAMPLE = _sample()


def rehearse() -> None:
    """Read a request and work out what it asks for; nothing is touched."""
    request = from_data(messages.decode(_SAMPLE))
    assert isinstance(request, StartRequest)
    spec = request.spec
    check_support(spec)
    groups.limits(spec.linux.resources)
    for step in plan(spec, cgroup_steps(spec)).mounts:
        step.describe()
    if spec.process is not None:
        identity.masks(spec.process.capabilities)
