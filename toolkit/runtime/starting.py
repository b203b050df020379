"""Starting what was made without a shim."""

from __future__ import annotations

from toolkit.core.errors import ConflictError, ToolkitError
from toolkit.core.record import replace
from toolkit.runtime import client, gate, hooks, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.request import StartRequest
    from toolkit.runtime.states import State

_SIGKILL = 9


def start(request: StartRequest, state: State) -> None:
    """Have the program of a created container run; on failure it is ended.

    ``ConflictError`` where it is not ``created``, and then nothing has changed.
    """
    path = request.state_dir
    if state.status != states.CREATED:
        raise ConflictError(f"container '{state.id}' is {state.status}, not created")
    failure = gate.open_for(state.id, path)
    if failure:
        raise gate.StartFailedError(f"container '{state.id}' cannot start", failure)
    running = replace(state, status=states.RUNNING)
    states.write_state(path, running)
    try:
        hooks.run(request.spec, "poststart", hooks.told(request, running))
    except ToolkitError:
        client.kill(path, _SIGKILL)
        raise
