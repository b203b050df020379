"""Bundles, and ``dockyard-oci`` as its callers run it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = """\
#!{interpreter}
import sys
sys.path[:0] = {path!r}
from toolkit.cli.oci.entry import main
main()
"""


def make_program(folder: Path) -> str:
    """A program that is ``dockyard-oci`` of the code under test."""
    program = folder / "dockyard-oci"
    home = str(Path(__file__).parent.parent.parent)
    program.write_text(SCRIPT.format(interpreter=sys.executable, path=[home]))
    program.chmod(0o755)
    return str(program)


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


class Oci:
    """One state root and one cgroup parent; bundles share a root file system."""

    def __init__(
        self, program: str, root: Path, folder: Path, mark: str, *, flags: Sequence[str] = ()
    ) -> None:
        self.program = program
        self._flags = flags
        self.states = folder / "states"
        self._root = root
        self._folder = folder
        self._mark = mark

    def bundle(
        self,
        *args: str,
        name: str = "bundle",
        process: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        """A bundle of our own default specification that runs ``args``."""
        folder = self._folder / name
        folder.mkdir()
        self.must("spec", "--bundle", str(folder))
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config["process"] |= {"terminal": False, "args": list(args), **(process or {})}
        del config["process"]["rlimits"]
        config["root"] |= {"path": str(self._root), **changes.pop("root", {})}
        linux = changes.pop("linux", {})
        config["linux"] |= {"cgroupsPath": f"{self._mark}/{name}", **linux}
        config.update(changes)
        path.write_text(json.dumps(config))
        return folder

    def call(self, *argv: str, stdin: bytes = b"", **options: Any) -> Done:
        """Run a command to its end; what it starts does not hold our pipes open."""
        out, err = self._folder / ".stdout", self._folder / ".stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            done = subprocess.run(
                (self.program, "--root", str(self.states), *self._flags, *argv),
                input=stdin,
                stdout=stdout,
                stderr=stderr,
                check=False,
                timeout=60,
                **options,
            )
        return Done(
            status=done.returncode,
            out=out.read_text(errors="replace"),
            err=err.read_text(errors="replace"),
        )

    def must(self, *argv: str, **options: Any) -> str:
        """The output of a command that must succeed."""
        done = self.call(*argv, **options)
        assert done.status == 0, done.err
        return done.out

    def state(self, name: str) -> dict[str, Any]:
        """What ``state`` prints."""
        found: dict[str, Any] = json.loads(self.must("state", name))
        return found

    def status(self, name: str) -> str:
        """The status alone."""
        return str(self.state(name)["status"])

    def wait_for(self, name: str, status: str) -> None:
        """Wait until the container has this status."""
        deadline = time.monotonic() + 60
        while self.status(name) != status:
            assert time.monotonic() < deadline, f"{name} is {self.status(name)}, not {status}"
            time.sleep(0.02)

    def end(self) -> list[str]:
        """Remove what a test left running; the ids of those."""
        found = self.must("list", "--quiet").split()
        for name in found:
            self.call("delete", "--force", name)
        return found


def descriptors(pid: int) -> Sequence[int]:
    """The open descriptors of a process."""
    return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
