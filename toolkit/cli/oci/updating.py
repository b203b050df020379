"""``update``: other limits for a running container."""

import sys

from toolkit.cli.oci import bundles
from toolkit.cli.oci.caller import whole
from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.oci.spec import Cpu, Linux, Memory, Pids, Resources, Spec, resources_from_json
from toolkit.runtime import groups, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call


def update(call: "Call", where: "Where") -> int:
    """Set the limits that are given; the others stay."""
    _, state = where.find(call.args[0])
    if state.status == states.STOPPED:
        raise ConflictError(f"container '{state.id}' is {state.status}")
    resources = _resources(call)
    groups.check_resources(Spec(linux=Linux(resources=resources)))
    groups.open_group(state.cgroup).set(groups.limits(resources), groups.layout())
    return 0


def _resources(call: "Call") -> Resources:
    path = call.text("resources")
    if path == "-":
        return resources_from_json(bundles.parse(sys.stdin.buffer.read(), "stdin"), "stdin")
    if path:
        return resources_from_json(bundles.read_json(path), path)
    if not call.values:
        raise InvalidInputError("update needs a limit", hint="--memory 64000000, for example")
    pids = whole(call, "pids-limit")
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
            cpus=call.text("cpuset-cpus"),
            mems=call.text("cpuset-mems"),
        ),
        pids=None if pids is None else Pids(limit=pids),
    )
