"""``kill``, ``delete``, ``pause`` and ``resume``."""

import os

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import replace
from toolkit.runtime import client, groups, hooks, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call
    from toolkit.runtime.states import State


def kill(call: "Call", where: "Where") -> int:
    """Send a signal to a container that is created, running or paused."""
    number = _signal(call.args[1] if len(call.args) > 1 else "TERM")
    _, state = where.find(call.args[0])
    if call.flag("all"):
        groups.open_group(state.cgroup).signal(number)
    else:
        client.kill(where.state_dir(state.id), number)
    return 0


def delete(call: "Call", where: "Where") -> int:
    """Undo all that was made for a container that has ended."""
    name, force = call.args[0], call.flag("force")
    path = where.state_dir(name)
    if not os.path.isdir(path):
        if force:
            return 0
        raise NotFoundError(f"container '{name}' does not exist")
    request, state = states.read_request(path), states.read_state(path)
    client.cleanup(path, force=force)
    if request is not None and state is not None:
        told = hooks.told(request, replace(state, status=states.STOPPED, pid=0))
        hooks.run_all(request.spec, "poststop", told, where.warn)
    return 0


def pause(call: "Call", where: "Where") -> int:
    """Stop every process of a running container until ``resume``."""
    state = _expect(where, call.args[0], states.RUNNING)
    groups.open_group(state.cgroup).freeze()
    return 0


def resume(call: "Call", where: "Where") -> int:
    """Let the processes of a paused container go on."""
    state = _expect(where, call.args[0], states.PAUSED)
    groups.open_group(state.cgroup).thaw()
    return 0


def _expect(where: "Where", name: str, status: str) -> "State":
    _, state = where.find(name)
    if state.status != status:
        raise ConflictError(f"container '{name}' is {state.status}, not {status}")
    return state


def _signal(text: str) -> int:
    """The number of ``9``, ``KILL`` or ``SIGKILL``."""
    import signal  # noqa: PLC0415 - 5 ms

    if text.isdecimal() and int(text) < signal.NSIG:
        return int(text)
    name = f"SIG{text.upper().removeprefix('SIG')}"
    try:
        return int(signal.Signals[name])
    except KeyError:
        raise InvalidInputError(f"'{text}' is no signal") from None
