"""What a launcher hands to whoever serves one request."""

from __future__ import annotations

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import ExecRequest, StartRequest
    from toolkit.runtime.spaces import Spaces
    from toolkit.runtime.steps import Steps


@record
class Job:
    """One request; ``raw`` is its JSON, ``spaces`` are namespaces that it may have."""

    request: StartRequest | ExecRequest
    raw: bytes
    stdio: tuple[int, int, int]
    session: Socket
    steps: Steps
    faults: bool
    spaces: Spaces
