"""What every test may use: tools that must be there, a home of its own, and a look for leaks."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.leaks import Snapshot

SYSTEM = "/usr/sbin:/sbin:/lib/systemd"  # where a distribution keeps programs off a user's PATH
IN_CI = os.environ.get("CI") == "true"


def missing(reason: str) -> None:
    """Skip with a reason on a laptop; fail where everything has to be there."""
    if IN_CI:
        pytest.fail(f"{reason} (CI=true: this must not be skipped)")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _root_only(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("root") and os.geteuid() != 0:
        missing("needs root")


@pytest.fixture(autouse=True)
def _own_links_untouched() -> Iterator[None]:
    """No test may change the machine's own links or routing: it stands in a namespace for that."""
    before = _own_network()
    yield
    assert _own_network() == before, "this test, or one beside it, changed the machine's network"


def _own_network() -> tuple[list[str], str]:
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    return sorted(os.listdir("/sys/class/net")), forward.read_text() if forward.exists() else ""


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """``require("runc")`` gives the path of a program, or skips with a reason."""

    def find(tool: str) -> str:
        found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{SYSTEM}")
        if not found:
            missing(f"'{tool}' is not installed")
        return str(found)

    return find


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data root, a run root and a cgroup parent of this test's own; nothing may be left in use.

    Set in the environment, so that every ``dockyard`` that the test starts takes them too.
    """
    mark = f"dockyard-test-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("DOCKYARD_TEST_MARK", mark)
    monkeypatch.setenv("DOCKYARD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("DOCKYARD_ROOT", str(tmp_path / "run"))
    monkeypatch.setenv("DOCKYARD_CGROUP_PARENT", mark)
    monkeypatch.setenv("DOCKYARD_NETWORK", "none")  # a bridge would be this machine's own
    before = Snapshot.take(tmp_path, mark)
    yield tmp_path
    left = Snapshot.take(tmp_path, mark).wait_until_like(before)
    assert not left, f"left behind: {left}"
