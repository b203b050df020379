"""A host under check, as far as checking needs it: run a program, write a file, probe, clean up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from toolkit.core.errors import ToolkitError

TIMEOUT = 60.0
"""For one program on a host, in seconds; a machine in emulation is given more."""


class Answer(Protocol):
    """What a link's ``call`` returns."""

    @property
    def result(self) -> Any:
        """What the method returned."""


class Link(Protocol):
    """The part of ``toolkit.ssh.link.Link`` that is used here."""

    @property
    def host(self) -> str:
        """The host's name in messages."""

    def call(self, method: str, params: Mapping[str, Any], *, body: bytes = b"") -> Answer:
        """Run ``method`` on the host."""

    def close(self) -> None:
        """End the agent."""


class BoxError(ToolkitError):
    """A container could not be started, probed or removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a program on the host ended."""

    status: int
    stdout: str
    stderr: str


class Machine:
    """A host behind a link."""

    def __init__(self, name: str, link: Link, *, timeout: float = TIMEOUT) -> None:
        self.name = name
        self.link = link
        self.timeout = timeout

    def run(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        cwd: str = "",
    ) -> Ran:
        """Run a program to its end."""
        params: dict[str, Any] = {"argv": list(argv), "stdin": stdin, "timeout": self.timeout}
        if cwd:
            params["cwd"] = cwd
        return Ran(**self.link.call("run", params).result)

    def must(self, argv: tuple[str, ...], what: str, **options: Any) -> str:
        """The standard output of a program that has to succeed; ``what`` begins the error."""
        done = self.run(argv, **options)
        if done.status:
            said = last_line(done.stderr) or last_line(done.stdout) or f"status {done.status}"
            raise BoxError(f"{what}: {said}")
        return done.stdout

    def write(self, path: str, content: str, *, mode: int = 0o600) -> None:
        """Replace a file."""
        self.link.call("write", {"path": path, "mode": mode}, body=content.encode())

    def temporary(self) -> str:
        """A new directory that only root reads."""
        return str(self.link.call("mktemp", {"directory": True}).result)

    def remove(self, path: str) -> None:
        """Remove a file or a whole directory."""
        self.link.call("remove", {"path": path})

    def probe(self, mode: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """What the host probe answers."""
        argv = probe_argv("hostprobe", mode, order)
        return parse(self.must(argv, f"host '{self.name}' cannot be probed"), self.name)


def probe_argv(probe: str, mode: str, order: object) -> tuple[str, ...]:
    """The command line that runs a probe from its source: nothing has to be installed."""
    source = Path(__file__).with_name(f"{probe}.py").read_text()
    return ("/usr/bin/python3", "-I", "-S", "-c", source, mode, json.dumps(order))


def parse(stdout: str, where: str) -> dict[str, Any]:
    """A probe's document; a probe that broke says so in it."""
    try:
        document: dict[str, Any] = json.loads(stdout)
    except ValueError:
        raise BoxError(f"{where}: the probe printed no document: {stdout[:200]!r}") from None
    for part in (document, *document.values()):
        if isinstance(part, dict) and "error" in part and "ns" not in part:
            raise BoxError(f"{where}: the probe broke: {part['error']}")
    return document


def last_line(text: str) -> str:
    """The last line that is not empty: where programs say what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
