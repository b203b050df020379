"""Containers on a host with neighbours, none of which is this machine."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.dock import Dock
from support.lan import Lan


@pytest.fixture
def lan() -> Iterator[Lan]:
    made = Lan.make()
    yield made
    made.close()


@pytest.fixture
def dock(
    lan: Lan, home: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dock]:
    """Nothing may be left of what a test starts, and no test leaves it to this fixture to see."""
    del home
    monkeypatch.delenv("DOCKYARD_NETWORK")  # this host is not the machine
    run = Path(tempfile.mkdtemp(prefix="dockyard-test-"))
    run.chmod(0o711)  # name servers run as nobody
    monkeypatch.setenv("DOCKYARD_ROOT", str(run))
    for program in ("nft", "nsenter", "ip", "ss"):
        require(program)
    made = Dock(lan=lan)
    yield made
    left = made("ps", "-aq").split()
    if left:
        made("rm", "-f", *left)
    made.wait_until_clean()
    assert list(run.glob("names/*")) == []
    shutil.rmtree(run)
