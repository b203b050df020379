"""A host of our own to sabotage: an agent in namespaces of its own, and broken runtimes."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.sabotage.runtime import install
from support.sabotage.table import RUNTIMES
from toolkit.conformance import suite
from toolkit.conformance.check import Check
from toolkit.conformance.drivers.choice import parse
from toolkit.conformance.evaluate import evaluate, in_order
from toolkit.conformance.gather import HostSession, Target
from toolkit.core.files import shipped
from toolkit.ssh.link import open_local

# Host name, mounts and System V memory of the machine stay as they are, whatever a sabotage does.
APART = (
    "unshare", "--uts", "--ipc", "--mount", "--propagation", "private",
    "sh", "-c", 'mount -t tmpfs none /mnt && exec "$@"', "sh",
)  # fmt: skip


@pytest.fixture(scope="session")
def checks() -> dict[str, Check]:
    return {check.id: check for check in suite.load(shipped("checks"))}


@pytest.fixture(scope="session")
def machine() -> Iterator[HostSession]:
    """The host before anything is broken; it has a socket that no container may see."""
    with socket.socket(socket.AF_UNIX) as seen, open_local(APART) as link:
        seen.bind(f"\0dockyard-sabotage-{os.getpid()}")
        session = HostSession("localhost", lambda: link)
        yield session
        session.close()
    # One sabotage leaves a group behind: that is its point.
    for left in Path("/sys/fs/cgroup/pids").glob(f"**/{session.session}*/"):
        left.rmdir()


@pytest.fixture(scope="session")
def broken(
    machine: HostSession, require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Target]:
    """``broken("share-pid")``: containers under that sabotage, judged as the embedded runtime's."""
    runc = require("runc")
    folder: Path = tmp_path_factory.mktemp("runtimes")

    def target(sabotage: str) -> Target:
        program = folder / sabotage
        if not program.exists():
            install(folder, sabotage, runc)
        return machine.target(parse(f"oci:{program}@embedded"))

    return target


@pytest.fixture(scope="session")
def verdicts(
    broken: Callable[[str], Target], checks: dict[str, Check]
) -> Callable[[str], dict[str, tuple[str, str]]]:
    """``{check: (verdict, why)}`` under a sabotage, for the checks that it should turn red."""
    known: dict[str, dict[str, tuple[str, str]]] = {}

    def found(sabotage: str) -> dict[str, tuple[str, str]]:
        if sabotage not in known:
            target = broken(sabotage)
            wanted = [checks[name] for name in RUNTIMES[sabotage] if name in checks]
            results = [evaluate(check, target) for check in in_order(wanted)]
            known[sabotage] = {one.id: (one.verdict, f"{one.seen} {one.reason}") for one in results}
            target.finish()
        return known[sabotage]

    return found
