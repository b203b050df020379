"""Documents that were recorded once, and stand-ins that hand them out."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.fake_checks import FakeDrivers, FakeLink
from toolkit.conformance.documents import Box, BoxDoc, HostDoc, ProbeDoc

RECORDED = Path(__file__).with_name("data") / "documents.json"


@pytest.fixture
def documents() -> dict[str, Any]:
    """``init exec outside host id``, as an embedded container on a hybrid host gave them."""
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


@pytest.fixture
def box(documents: dict[str, Any]) -> Box:
    return Box(
        id=documents["id"],
        asked_hostname="",
        init=ProbeDoc(documents["init"]),
        exec=ProbeDoc(documents["exec"]),
        outside=BoxDoc(documents["outside"]),
    )


@pytest.fixture
def host(documents: dict[str, Any]) -> HostDoc:
    return HostDoc(documents["host"])


@pytest.fixture
def link(documents: dict[str, Any]) -> FakeLink:
    mark = {"key": 1, "id": 4}
    answers = {"facts": documents["host"], "box": documents["outside"], "mark": mark}
    return FakeLink(answers={**answers, "unmark": {"status": 0}, "mktemp": "/tmp/dockyard-x"})


@pytest.fixture
def drivers(documents: dict[str, Any]) -> FakeDrivers:
    return FakeDrivers(documents)
