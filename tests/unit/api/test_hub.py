"""One look at the log of events serves every listener."""

import asyncio
import os
from pathlib import Path

from toolkit.api.hub import Hub
from toolkit.engine.events import EventLog


def test_each_listener_hears_what_happens_after_it_came(tmp_path: Path) -> None:
    log = EventLog(str(tmp_path))
    log.emit("volume", "create", "before")

    async def main() -> None:
        hub = Hub(log)
        first, second = hub.join(), hub.join()
        log.emit("volume", "create", "one")
        for listener in (first, second):
            event = await asyncio.wait_for(listener.next(), 60)
            assert event["Actor"]["ID"] == "one"
        hub.leave(second)
        os.rename(log.path, f"{log.path}.1")  # it has grown, and is begun anew
        log.emit("volume", "create", "two")
        assert (await asyncio.wait_for(first.next(), 60))["Actor"]["ID"] == "two"
        hub.leave(first)

    asyncio.run(main())


def test_the_log_need_not_be_there_yet(tmp_path: Path) -> None:
    async def main() -> None:
        hub = Hub(EventLog(str(tmp_path)))
        listener = hub.join()
        await asyncio.sleep(0)
        EventLog(str(tmp_path)).emit("volume", "create", "one")
        assert (await asyncio.wait_for(listener.next(), 60))["Actor"]["ID"] == "one"
        hub.leave(listener)

    asyncio.run(main())
