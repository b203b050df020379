"""What is on disk about a container, and which moves between its states there are.

A state directory (mode 0700) holds ``request.json`` (what was asked for, written first), then
``state.json`` and ``shim.sock``. A pid counts only together with the start time of its process, so
a number that was used again is never taken for the container.
"""

from __future__ import annotations

import os

from toolkit.core.errors import ConflictError
from toolkit.core.record import record, replace
from toolkit.oci.decode import decode, encode
from toolkit.runtime import messages
from toolkit.runtime.request import StartRequest, from_data
from toolkit.runtime.trees import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CREATING, CREATED, RUNNING, PAUSED, STOPPED = "creating", "created", "running", "paused", "stopped"

MOVES = {
    CREATING: {CREATED, RUNNING, STOPPED},
    CREATED: {RUNNING, STOPPED},
    RUNNING: {PAUSED, STOPPED},
    PAUSED: {RUNNING, STOPPED},
    STOPPED: set(),
}

_STATE, _REQUEST = "state.json", "request.json"
_FREEZERS = (
    ("freezer", "freezer.state", ("FROZEN", "FREEZING")),
    ("unified", "cgroup.freeze", ("1",)),
)
_SHORT = 4096
_START_TIME = 19  # /proc/PID/stat field 22, counted from the state (field 3) on


@record
class State:
    """A container as its state directory and the process table show it.

    ``status`` is ``creating``, ``created`` (held), ``running``, ``paused`` or ``stopped``; ``pid``
    is the init's in the host and 0 once it has ended; ``cgroup`` maps controllers to directories.
    ``shim_pid`` is 0 once the shim is gone; ``shim_shared`` says that it is a launcher, which keeps
    others, too, and must not be killed for one.
    """

    id: str
    status: str
    pid: int
    started: int = 0
    shim_pid: int = 0
    shim_started: int = 0
    shim_shared: bool = False
    cgroup: Mapping[str, str]
    created: str = ""
    bundle: str = ""


def check_move(name: str, now: str, then: str) -> None:
    """Refuse a move that is not in the table, naming both states."""
    if then not in MOVES[now]:
        raise ConflictError(f"container '{name}' is {now} and cannot become {then}")


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where it has ended."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        text = os.read(fd, 4096).decode(errors="replace")
    except ProcessLookupError:
        return 0
    finally:
        os.close(fd)
    fields = text[text.rindex(")") + 2 :].split()
    return 0 if fields[0] in "ZX" else int(fields[_START_TIME])


def write_request(state_dir: str, data: bytes) -> None:
    """Note what was asked for; the first thing in a state directory."""
    put(f"{state_dir}/{_REQUEST}", data)


def write_state(state_dir: str, state: State) -> None:
    """Note where it stands."""
    put(f"{state_dir}/{_STATE}", messages.encode(encode(state)).encode())


def read_request(state_dir: str) -> StartRequest | None:
    """What was asked for; ``None`` where there is no container."""
    data = _read(f"{state_dir}/{_REQUEST}")
    if data is None:
        return None
    request = from_data(messages.decode(data))
    return request if isinstance(request, StartRequest) else None


def read_state(state_dir: str) -> State | None:
    """Where a container stands, by its files and the process table; ``None`` without one."""
    data = _read(f"{state_dir}/{_STATE}")
    if data is None:
        return None
    state = decode(State, messages.decode(data), f"{state_dir}/{_STATE}")
    if state.shim_pid and start_time(state.shim_pid) != state.shim_started:
        state = replace(state, shim_pid=0)
    # It may have ended before its start time could be noted: then that is 0, as it is now.
    if state.pid and start_time(state.pid) != (state.started or -1):
        state = replace(state, pid=0, status=STOPPED)
    elif state.status == RUNNING and is_frozen(state.cgroup):
        state = replace(state, status=PAUSED)
    return state


def is_frozen(cgroup: Mapping[str, str]) -> bool:
    """Whether the processes of these groups are stopped by the freezer."""
    for controller, name, stopped in _FREEZERS:
        text = _read(f"{cgroup[controller]}/{name}") if controller in cgroup else None
        if text is not None and text.strip() in stopped:
            return True
    return False


def _read(path: str) -> str | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:  # not by a file object, which costs twice as much for what is as short
        data = os.read(fd, _SHORT)
        while len(data) >= _SHORT and (more := os.read(fd, len(data))):
            data += more
    finally:
        os.close(fd)
    return data.decode()
