"""``events``: what happened, and what happens."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call, line
from toolkit.api.routing import Route
from toolkit.engine.events import FILTER_KEYS, matches
from toolkit.engine.filters import check_filters
from toolkit.engine.times import parse_moment

if TYPE_CHECKING:
    from toolkit.engine.events import Event

_NANO = 10**9


async def _events(call: Call) -> web.StreamResponse:
    filters = call.filters()
    check_filters(filters, FILTER_KEYS)
    since, until = (_moment(call, name) for name in ("since", "until"))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    async for event in _all(call, since, until):
        if matches(event, filters):
            await response.write(line(event))
    await response.write_eof()
    return response


def _moment(call: Call, name: str) -> float | None:
    text = call.text(name)
    return parse_moment(text, what=name) if text else None


async def _all(call: Call, since: float | None, until: float | None) -> "AsyncIterator[Event]":
    """Those from ``since`` on, then what happens until ``until`` comes."""
    hub, log = call.service.hub, call.service.events
    listener = hub.join()
    try:
        known: set[tuple[int, str, str]] = set()
        if since is not None:
            past = await call.service.pool.aside(lambda: list(log.read(since=since, until=until)))
            for event in past:
                known.add(_mark(event))
                yield event
        while until is None or until > time.time():
            try:
                async with asyncio.timeout(None if until is None else until - time.time()):
                    event = await listener.next()
            except TimeoutError:
                return
            if _mark(event) not in known:
                yield event
    finally:
        hub.leave(listener)


def _mark(event: "Event") -> tuple[int, str, str]:
    """What tells an event that the past has already shown."""
    return event["timeNano"], event["Action"], event["Actor"]["ID"]


ROUTES = (Route("GET", "/events", _events, ends=True),)
