"""What the handlers share: the engine's threads, who runs, and what belongs to open connections."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.api.pool import Pool
from toolkit.api.tracker import Tracker

if TYPE_CHECKING:
    from toolkit.api.attaching import Pipes
    from toolkit.api.execs import Exec
    from toolkit.engine.engine import Engine
    from toolkit.engine.settings import Settings


@dataclass(slots=True)
class Service:
    """One server. ``waiting`` holds who attached to a container before it started."""

    settings: "Settings"
    pool: Pool
    tracker: Tracker
    began: float = field(default_factory=time.time)
    waiting: "dict[str, list[Pipes]]" = field(default_factory=dict)
    execs: "dict[str, Exec]" = field(default_factory=dict)

    @classmethod
    def open(cls, settings: "Settings", open_engine: "Callable[[], Engine]") -> "Service":
        """For the running loop."""
        pool = Pool(open_engine)
        return cls(settings=settings, pool=pool, tracker=Tracker(pool))

    def close(self) -> None:
        """Let all containers be."""
        self.tracker.close()
        self.pool.close()
