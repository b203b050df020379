"""The container that a path names, with Docker's words where there is none."""

from toolkit.api.call import Call
from toolkit.core.errors import NotFoundError
from toolkit.engine.model import View


async def inspect(call: Call) -> View:
    """The container of the path's ``id``."""
    return await named(call, call.args["id"])


async def named(call: Call, name: str) -> View:
    """The container of that name or id."""
    try:
        return await call.engine(lambda engine: engine.inspect(name))
    except NotFoundError:
        raise missing(name) from None


def missing(name: str) -> NotFoundError:
    """There is no such container."""
    return NotFoundError(f"No such container: {name}")
