"""One request as handlers see it: path, query and body in Docker's spelling, and whom to ask."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from toolkit.core.errors import InvalidInputError, ToolkitError

if TYPE_CHECKING:
    from toolkit.api.service import Service
    from toolkit.engine.engine import Engine

T = TypeVar("T")

_FALSE = ("", "0", "no", "false", "none")
LARGEST = 8 << 20  # bytes of a JSON body


class TooLargeError(InvalidInputError):
    """A body beyond the limit."""

    http_status = 413


class Call:
    """A request, its path's open parts (``args``) and the API version that it speaks."""

    __slots__ = ("args", "query", "request", "service", "version")

    def __init__(
        self,
        service: "Service",
        request: web.BaseRequest,
        args: dict[str, str],
        version: tuple[int, int],
    ) -> None:
        self.service = service
        self.request = request
        self.args = args
        self.version = version
        self.query = request.query

    async def engine(self, action: "Callable[[Engine], T]") -> T:
        """What the engine says, asked off the loop."""
        return await self.service.pool.call(action)

    async def apart(self, action: "Callable[[Engine], T]") -> T:
        """The same for what takes long: an engine and a thread of its own."""
        return await self.service.pool.alone(action)

    def text(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.query.get(name, default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A parameter that is yes or no, as Docker reads it."""
        value = self.query.get(name)
        return default if value is None else value.strip().lower() not in _FALSE

    def number(self, name: str, default: int = 0) -> int:
        """A parameter that is a whole number."""
        text = self.query.get(name, "")
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise InvalidInputError(f"{name}: '{text}' is no whole number") from None

    def filters(self) -> dict[str, list[str]]:
        """The ``filters`` parameter: name → values; both of Docker's spellings of a set."""
        text = self.query.get("filters", "")
        if not text:
            return {}
        try:
            data = json.loads(text)
            return {str(name): [str(value) for value in values] for name, values in data.items()}
        except (ValueError, AttributeError, TypeError):
            raise InvalidInputError(f"filters: '{text}' is no map of lists") from None

    async def body(self) -> dict[str, Any]:
        """The JSON object that was sent; empty where nothing was."""
        data = await self.raw(LARGEST)
        if not data.strip():
            return {}
        try:
            found = json.loads(data)
        except ValueError as error:
            raise InvalidInputError(f"invalid JSON: {error}") from None
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise InvalidInputError("invalid JSON: an object is expected")
        return found

    async def raw(self, limit: int) -> bytes:
        """The body as it is, at most ``limit`` bytes."""
        parts, size = [], 0
        try:
            async for part in self.request.content.iter_any():
                size += len(part)
                if size > limit:
                    raise TooLargeError(f"the body is larger than {limit} bytes")
                parts.append(part)
        except HttpProcessingError as error:
            raise InvalidInputError(f"the body is broken: {error.message}") from None
        return b"".join(parts)


def answer(data: Any, status: int = 200) -> web.Response:
    """JSON."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n"
    # not text=: that adds a charset, and then the docker command takes an error for plain text
    return web.Response(body=text.encode(), status=status, content_type="application/json")


def line(data: Any) -> bytes:
    """JSON as one line of a stream."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode() + b"\r\n"


def nothing(status: int = 204) -> web.Response:
    """Done, and nothing to say."""
    return web.Response(status=status)


# The docker command finds its exit status, 126 or 127, by these words.
_WORDS = {126: "permission denied", 127: "executable file not found in $PATH"}


def told(error: ToolkitError) -> str:
    """An error as one line, with its hint, and with the words that clients look for."""
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    word = _WORDS.get(error.exit_status, "")
    return text if word in text else f"{text}: {word}"
