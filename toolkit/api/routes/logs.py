"""``logs``: what a container has written, from its file, framed as Docker frames it."""

from typing import IO, TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call
from toolkit.api.finding import inspect
from toolkit.api.following import Reader, Selection, follow, moment
from toolkit.api.routes.attach import raw_type
from toolkit.api.routing import Route
from toolkit.api.streams import STDERR, STDOUT
from toolkit.api.transfer import deliver
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine import settling
from toolkit.engine.journald import read_journal
from toolkit.engine.logs import Span
from toolkit.engine.model import View

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine


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
    kind = raw_type(call, tty=view.config.tty)
    driver = view.config.log_driver
    if driver == "journald":
        return await _journal(call, view, selection, kind)
    if driver == "none":
        raise UnsupportedError("configured logging driver does not support reading")
    response = web.StreamResponse(headers={"Content-Type": kind})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    await follow(call, view, selection, response, going_on=call.flag("follow"))
    await response.write_eof()
    return response


async def _journal(call: Call, view: View, selection: Selection, kind: str) -> web.StreamResponse:
    """The same from the system's journal."""
    tail = selection.tail if selection.tail >= 0 else None
    span = Span(tail=tail, since=moment(selection.since), until=moment(selection.until))
    going = call.flag("follow")
    shower = Reader("", selection)

    def work(file: IO[bytes]) -> None:
        def read(engine: "Engine") -> None:
            more = (lambda: settling.is_alive(engine, view.id)) if going else None
            for found in read_journal(view.id, span, more=more):
                file.write(shower.shown(found.text, found.stream, found.time))
                if going:
                    file.flush()

        call.service.pool.use(read)

    return await deliver(call, work, content_type=kind)


def _tail(text: str) -> int:
    """How many lines; below zero is all of them."""
    return int(text) if text.isdigit() else -1


ROUTES = (Route("GET", "/containers/{id}/logs", _logs, ends=True),)
