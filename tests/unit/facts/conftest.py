"""Machines as distributions have them: a folder of files each, and what its network tells."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from toolkit.core.process import Completed
from toolkit.facts.machine import Machine, Stat
from toolkit.net.model import Link, Route

DATA = Path(__file__).parent / "data"
DISTRIBUTIONS = sorted(path.name for path in DATA.iterdir())


class RecordedFiles:
    """The files below ``data/<distribution>/root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def read(self, path: str) -> bytes:
        return self._at(path).read_bytes()

    def stat(self, path: str, *, follow: bool = True) -> Stat | None:
        del follow
        there = self._at(path)
        if not there.exists():
            return None
        return Stat(kind="directory" if there.is_dir() else "file", size=there.stat().st_size)

    def listdir(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(os.listdir(self._at(path))))

    def readlink(self, path: str) -> str:
        return os.readlink(self._at(path))

    def space(self, path: str) -> tuple[int, int] | None:
        del path
        return None


class RecordedNetwork:
    """What ``network.json`` says."""

    def __init__(self, data: dict[str, list[dict[str, Any]]]) -> None:
        self._data = data

    def links(self) -> tuple[Link, ...]:
        return tuple(
            Link(**{**link, "addresses": tuple(link.get("addresses", ()))})
            for link in self._data["links"]
        )

    def routes(self) -> tuple[Route, ...]:
        return tuple(Route(**route) for route in self._data["routes"])


class RecordedMachine:
    """A distribution without programs."""

    def __init__(self, name: str) -> None:
        self.files = RecordedFiles(DATA / name / "root")
        self.net = RecordedNetwork(json.loads((DATA / name / "network.json").read_text()))

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        del timeout
        return Completed(argv=argv, status=127, stdout="", stderr="")


@pytest.fixture(params=DISTRIBUTIONS)
def distribution(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machine(distribution: str) -> Machine:
    return RecordedMachine(distribution)


@pytest.fixture
def expected(distribution: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((DATA / distribution / "facts.json").read_text())
    return facts


@pytest.fixture
def debian() -> RecordedMachine:
    return RecordedMachine("debian-12")
