"""``logs``: what a container has written, from its file, framed as Docker frames it."""

from aiohttp import web

from toolkit.api.call import Call
from toolkit.api.finding import inspect
from toolkit.api.following import Selection, follow
from toolkit.api.routes.attach import raw_type
from toolkit.api.routing import Route
from toolkit.api.streams import STDERR, STDOUT
from toolkit.core.errors import InvalidInputError


async def _logs(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    selection = Selection(
        streams={
            name: None if view.config.tty else number
            for name, number in (("stdout", STDOUT), ("stderr", STDERR))
            if call.flag(name)
        },
        tail=_tail(call.text("tail", "all")),
        since=call.text("since"),
        until=call.text("until"),
        timestamps=call.flag("timestamps"),
    )
    if not selection.streams:
        raise InvalidInputError("Bad parameters: you must choose at least one stream")
    response = web.StreamResponse(headers={"Content-Type": raw_type(call, tty=view.config.tty)})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    await follow(call, view, selection, response, going_on=call.flag("follow"))
    await response.write_eof()
    return response


def _tail(text: str) -> int:
    """How many lines; below zero is all of them."""
    return int(text) if text.isdigit() else -1


ROUTES = (Route("GET", "/containers/{id}/logs", _logs, ends=True),)
