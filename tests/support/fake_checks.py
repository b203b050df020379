"""Stand-ins for a host and a runtime: a link that answers, and a driver that starts nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.drivers.base import Started, Workshop
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.machine import BoxError, Ran
from toolkit.core.errors import UnavailableError
from toolkit.ssh.link import Reply


@dataclass
class FakeLink:
    """Answers the host probe with a recorded document and remembers what it was asked."""

    host: str = "web1"
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    lost: bool = False

    def call(self, method: str, params: Mapping[str, Any], *, body: bytes = b"") -> Reply:
        self.calls.append((method, dict(params)))
        self.bodies.append(body)
        if self.lost:
            raise UnavailableError(f"host '{self.host}': link lost")
        argv = params.get("argv", [])
        if method == "run" and "-c" in argv and argv[0] == "/usr/bin/python3":
            return self._ran(json.dumps(self.answers[argv[5]]))
        answer = self.answers.get(method, "")
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, Exception):
            raise answer
        if method == "run" and isinstance(answer, str):
            return self._ran(answer)
        return Reply(result=answer)

    def close(self) -> None:
        self.calls.append(("close", {}))

    @staticmethod
    def _ran(stdout: str) -> Reply:
        return Reply(result={"status": 0, "stdout": stdout, "stderr": ""})


class FakeDriver:
    """Starts nothing: hands out recorded documents and counts what is alive."""

    def __init__(self, choice: Choice, shop: Workshop, documents: dict[str, Any]) -> None:
        self.name = choice.name
        self.profile = choice.profile
        self.shop = shop
        self.documents = documents
        self.alive: list[str] = []
        self.started: list[BoxSpec] = []
        self.closed = False
        self.fails = False
        self.stuck = ""

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        assert argv[5] == "init"
        if self.fails:
            raise BoxError("no container today")
        self.started.append(spec)
        self.alive.append(f"box{len(self.started)}")
        return Started(id=self.alive[-1], pid=7, hostname=spec.hostname)

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        assert started.id in self.alive
        found = {"init": self.documents["init"], "exec": self.documents["exec"]}
        return Ran(status=0, stdout=json.dumps(found), stderr="")

    def run(self, argv: tuple[str, ...]) -> Ran:
        return Ran(status=int(argv[6]), stdout="", stderr="")

    def remove(self, started: Started) -> None:
        if started.id == self.stuck:
            raise BoxError(f"{started.id} is stuck")
        self.alive.remove(started.id)

    def close(self) -> None:
        self.closed = True


class FakeDrivers:
    """Opens ``FakeDriver`` instead of a real one, and lists them."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.made: list[FakeDriver] = []
        self.fail = False
        self._documents = documents

    def __call__(self, choice: Choice, shop: Workshop) -> FakeDriver:
        made = FakeDriver(choice, shop, self._documents)
        made.fails = self.fail
        self.made.append(made)
        return made
