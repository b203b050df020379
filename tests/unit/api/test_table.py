"""``docs/api.md`` says what is built, and what is not built says so."""

import asyncio
import re
from pathlib import Path

import pytest

from toolkit.api.routes.unbuilt import UNBUILT
from toolkit.api.routing import Route
from toolkit.api.table import ROUTES
from toolkit.core.errors import UnsupportedError

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def test_the_table_in_docs_is_that_of_the_routes() -> None:
    rows = re.findall(
        r"^\| (GET|HEAD|POST|PUT|DELETE) \| `(.+)` \| (\w+) \|$", DOCS.read_text(), re.M
    )
    unbuilt = {(route.method, route.path) for route in UNBUILT}
    wanted = sorted(
        (
            route.method,
            route.path.replace("*", ""),
            "501" if (route.method, route.path) in unbuilt else "yes",
        )
        for route in ROUTES
    )
    assert sorted(rows) == wanted


@pytest.mark.parametrize("route", UNBUILT, ids=lambda route: f"{route.method} {route.path}")
def test_what_is_not_built_answers_with_a_sentence(route: Route) -> None:
    with pytest.raises(UnsupportedError, match="not built"):
        asyncio.run(route.handler(None))  # type: ignore[arg-type] # it asks nothing of the call
