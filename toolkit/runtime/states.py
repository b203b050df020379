"""What is on disk about a container, and which moves between its states there are."""

from __future__ import annotations

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@record
class State:
    """A container as its state directory and the process table show it.

    ``status`` is ``creating``, ``created`` (held), ``running``, ``paused`` or ``stopped``; ``pid``
    is the init's in the host and 0 once it has ended; ``cgroup`` maps controllers to directories.
    """

    id: str
    status: str
    pid: int
    shim_pid: int = 0
    cgroup: Mapping[str, str]
    created: str = ""
