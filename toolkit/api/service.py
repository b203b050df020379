"""What the handlers share: the engine's threads, who runs, and what belongs to open connections."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.api.hub import Hub
from toolkit.api.pool import Pool
from toolkit.api.tracker import Tracker
from toolkit.engine.events import EventLog
from toolkit.images.library import Library

if TYPE_CHECKING:
    import asyncio

    from toolkit.api.attaching import Pipes
    from toolkit.api.execs import Exec
    from toolkit.engine.engine import Engine
    from toolkit.engine.seams import LauncherFactory
    from toolkit.engine.settings import Settings
    from toolkit.images.registry.client import Access
    from toolkit.images.registry.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a server is given: the engine, what starts containers, and the way to registries."""

    settings: "Settings"
    open_engine: "Callable[[], Engine]"
    launcher: "LauncherFactory"
    access: "Callable[[Credentials], Access]"


@dataclass(slots=True)
class Service:
    """One server. ``waiting`` holds who attached to a container before it started, ``telling`` what
    is still to be said of processes that ran in containers.
    """

    settings: "Settings"
    launcher: "LauncherFactory"
    access: "Callable[[Credentials], Access]"
    pool: Pool
    tracker: Tracker
    library: Library
    events: EventLog
    hub: Hub
    began: float = field(default_factory=time.time)
    waiting: "dict[str, list[Pipes]]" = field(default_factory=dict)
    execs: "dict[str, Exec]" = field(default_factory=dict)
    telling: "set[asyncio.Future[None]]" = field(default_factory=set)

    @classmethod
    def open(cls, means: Means) -> "Service":
        """For the running loop."""
        settings, pool = means.settings, Pool(means.open_engine)
        events = EventLog(settings.run_root)
        return cls(
            settings=settings,
            launcher=means.launcher,
            access=means.access,
            pool=pool,
            tracker=Tracker(pool),
            library=Library(settings.data_root),
            events=events,
            hub=Hub(events),
        )

    def close(self) -> None:
        """Let all containers be."""
        for task in self.telling:
            task.cancel()
        self.hub.close()
        self.tracker.close()
        self.pool.close()
