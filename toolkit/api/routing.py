"""Which handler answers which method and path: one table, found by the path's first word.

aiohttp's own dispatcher would try a hundred patterns in turn, because every path may begin with a
version (``/v1.47/containers/json``).
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from toolkit.core.errors import NotFoundError

if TYPE_CHECKING:
    from aiohttp import web

    from toolkit.api.call import Call

    Handler = Callable[[Call], Awaitable[web.StreamResponse]]

_PART = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: ``{id}`` stands for one part of a path, ``{name*}`` for one or more.

    What ``ends`` is given up when its client leaves; everything else is brought to its end.
    """

    method: str
    path: str
    handler: "Handler"
    ends: bool = False


class Router:
    """Finds the handler of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._found: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in self.routes:
            first = route.path.split("/")[1]
            self._found.setdefault(first, []).append((_pattern(route.path), route))

    def find(self, method: str, path: str) -> "tuple[Route, dict[str, str]]":
        """The route and what the path's open parts hold; ``NotFoundError`` without one."""
        for pattern, route in self._found.get(path.split("/", 2)[1], ()):
            match = pattern.fullmatch(path) if route.method == method else None
            if match is not None:
                return route, {k: unquote(v) for k, v in match.groupdict().items()}
        raise NotFoundError("page not found")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PART.sub(lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", path))
