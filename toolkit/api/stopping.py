"""Starting and stopping as the server does it: no thread waits for a container meanwhile."""

import asyncio
import os
from typing import TYPE_CHECKING

from toolkit.api.attaching import Pipes, Streams
from toolkit.engine import settling
from toolkit.engine.defaults import STOP_SECONDS

if TYPE_CHECKING:
    from toolkit.api.service import Service
    from toolkit.engine.model import View

_NEVER_RAN = 125


async def start(service: "Service", view: "View") -> None:
    """Start a container, with the first of those who attached before as its stdio."""
    waiting = service.waiting.pop(view.id, [])
    pipes = waiting[0] if waiting else Pipes(_unattached(view))
    try:
        running = await service.pool.call(lambda engine: engine.start(view.id, pipes.stdio))
    except BaseException:
        for one in waiting or [pipes]:
            one.drop()
        if view.config.auto_remove:  # the client waits for that
            await service.pool.call(lambda engine: engine.remove(view.id, force=True))
            service.tracker.removed(view.id, _NEVER_RAN)
        raise
    pipes.handed_over()
    if not waiting:
        pipes.drop()
    session = running.session
    if session.master is not None:  # its keeper holds the terminal; we only send its size
        os.close(session.master)
        session.master = None
    service.tracker.follow(view.id, session)
    for one in waiting[1:]:
        await join(service, view.id, one)


async def join(service: "Service", container: str, pipes: Pipes) -> None:
    """Let one more client hear and speak."""
    pipes.keep(await service.pool.call(lambda engine: engine.attach(container, pipes.stdio)))


def _unattached(view: "View") -> Streams:
    """An open stdin stays open without anybody: the shim is its own writer."""
    stdin = view.config.interactive and not view.config.tty
    return Streams(stdin=stdin, stdout=False, stderr=False, lasting=stdin)


async def stop(
    service: "Service", view: "View", *, patience: float | None = None, number: int | None = None
) -> None:
    """Ask a container to end, and kill it after a while."""
    ended = service.tracker.next_exit(view.id)
    if not await service.tracker.look(view.id):
        ended.cancel()
        if view.config.restart:  # it may be about to run again
            await service.pool.call(lambda engine: settling.ask_to_stop(engine, view.id, number))
        return
    if patience is None:
        asked = view.config.stop_timeout
        patience = asked if asked >= 0 else STOP_SECONDS
    await service.pool.call(lambda engine: settling.ask_to_stop(engine, view.id, number))
    try:
        async with asyncio.timeout(patience if patience >= 0 else None):
            await asyncio.shield(ended)
    except TimeoutError:
        await service.pool.call(lambda engine: settling.kill(engine, view.id))
        await ended
    if not view.config.auto_remove:
        await service.pool.call(lambda engine: engine.note("stop", view.id))
