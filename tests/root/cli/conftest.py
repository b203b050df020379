"""``dockyard`` as people run it: a process of its own, with a home of the test's own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ENTRY = (sys.executable, "-m", "toolkit.cli.entry")
Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def dockyard(home: Path) -> Iterator[Dockyard]:
    """``dockyard("ps", "-a")`` runs it; what a test leaves running is removed."""
    del home

    def run(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (*ENTRY, *words), input=stdin, capture_output=True, text=True, check=False, timeout=60
        )

    yield run
    left = run("ps", "-aq").stdout.split()
    if left:
        run("rm", "-f", *left)


@pytest.fixture(scope="session")
def entry() -> tuple[str, ...]:
    """How to start it by hand."""
    return ENTRY
