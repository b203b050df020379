"""What a launcher hands to whoever serves one request."""

from __future__ import annotations

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.nursery import Nursery
    from toolkit.runtime.request import ExecRequest, StartRequest
    from toolkit.runtime.steps import Steps


@record
class Job:
    """One request; ``raw`` is its JSON, ``nursery`` forks its init, if there is one."""

    request: StartRequest | ExecRequest
    raw: bytes
    stdio: tuple[int, int, int]
    session: Socket
    steps: Steps
    faults: bool
    nursery: Nursery | None = None
