"""``update``: other limits for a running container."""

import sys

from toolkit.cli.oci import bundles
from toolkit.cli.oci.caller import whole
from toolkit.core.errors import ConflictError, InvalidInputError, UnsupportedError
from toolkit.core.record import replace
from toolkit.oci.spec import BlockIO, Cpu, Linux, Memory, Pids, Resources, Spec, resources_from_json
from toolkit.runtime import groups, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call


def update(call: "Call", where: "Where") -> int:
    """Set the limits that are given; the others stay."""
    request, state = where.find(call.args[0])
    if state.status == states.STOPPED:
        raise ConflictError(f"container '{state.id}' is {state.status}")
    resources = _with_same_devices(_resources(call), request.spec.linux.resources)
    groups.check_resources(Spec(linux=Linux(resources=resources)))
    limits = groups.limits(resources)
    groups.open_group(state.cgroup).set(limits, groups.layout())
    if request.unit:
        from toolkit.runtime import units  # noqa: PLC0415 - talks D-Bus

        units.change(request, limits)
    return 0


def _with_same_devices(wanted: Resources, had: Resources | None) -> Resources:
    """Without rules that the container has already: callers send the whole of what it may use."""
    if not wanted.devices:
        return wanted
    known = () if had is None else had.devices
    if wanted.devices not in (known, known[: len(wanted.devices)]):
        raise UnsupportedError(
            "linux.resources.devices: the rules of a running container cannot be changed",
            hint="leave them out, or make the container anew",
        )
    return replace(wanted, devices=())


def _resources(call: "Call") -> Resources:
    path = call.text("resources")
    if path == "-":
        return resources_from_json(bundles.parse(sys.stdin.buffer.read(), "stdin"), "stdin")
    if path:
        return resources_from_json(bundles.read_json(path), path)
    if not call.values:
        raise InvalidInputError("update needs a limit", hint="--memory 64000000, for example")
    pids, weight = whole(call, "pids-limit"), whole(call, "blkio-weight")
    return Resources(
        memory=Memory(
            limit=whole(call, "memory"),
            reservation=whole(call, "memory-reservation"),
            swap=whole(call, "memory-swap"),
        ),
        cpu=Cpu(
            shares=whole(call, "cpu-share"),
            quota=whole(call, "cpu-quota"),
            period=whole(call, "cpu-period"),
            burst=whole(call, "cpu-burst"),
            idle=whole(call, "cpu-idle"),
            realtime_runtime=whole(call, "cpu-rt-runtime"),
            realtime_period=whole(call, "cpu-rt-period"),
            cpus=call.text("cpuset-cpus"),
            mems=call.text("cpuset-mems"),
        ),
        pids=None if pids is None else Pids(limit=pids),
        block_io=None if weight is None else BlockIO(weight=weight),
    )
