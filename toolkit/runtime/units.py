"""The group of a container that systemd makes (``toolkit.cgroup.systemd``)."""

from __future__ import annotations

import os

from toolkit.cgroup import systemd
from toolkit.cgroup.group import Cgroup
from toolkit.core.errors import ToolkitError, UnsupportedError
from toolkit.runtime import groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cgroup.limits import Limits
    from toolkit.core.undo import Undo
    from toolkit.runtime.request import StartRequest


def check(request: StartRequest) -> None:
    """Refuse what cannot be asked for, before anything is made."""
    if groups.layout().kind != "v2":
        raise UnsupportedError(
            "systemd's cgroups are asked for, and this machine does not have cgroup v2 alone",
            hint="--cgroup-manager cgroupfs",
        )
    systemd.properties_of(request.spec.annotations)


def make(request: StartRequest, pid: int, undo: Undo) -> Cgroup:
    """Have systemd put process ``pid`` into a scope; then set what it does not know of."""
    limits = groups.limits(request.spec.linux.resources)
    unit = systemd.Unit(name=request.unit, slice=request.cgroup.rsplit("/", 2)[-2] or "-.slice")
    wanted = [*systemd.limits_of(limits), *systemd.properties_of(request.spec.annotations)]
    systemd.start(unit, pid, wanted, request.bus)
    undo.callback(stop, request)
    return Cgroup.create(groups.layout(), _path(pid, request), limits, taken=True)


def stop(request: StartRequest) -> None:
    """Have systemd take the scope down; one that is gone is fine."""
    systemd.stop(request.unit, request.bus)


def change(request: StartRequest, limits: Limits) -> None:
    """Tell systemd of limits that were changed."""
    systemd.change(request.unit, systemd.limits_of(limits), request.bus)


def _path(pid: int, request: StartRequest) -> str:
    """Where systemd has put it: a systemd of a user's is not at the top."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        path = next((line[3:].rstrip() for line in file if line.startswith("0::")), "")
    if os.path.basename(path) != request.unit:
        raise ToolkitError(f"systemd has put the container into '{path}', not '{request.unit}'")
    return path
