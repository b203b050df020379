"""``vm``: a real Debian host with systemd and cgroup v2, the same for all tests of a session."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.machine import Machine
from toolkit.fleet.boxes import Boxes, Place, Plan

BUSY_SECONDS = 2400
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time limits for emulation, where a boot takes a minute and a command seconds."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(BUSY_SECONDS))


@pytest.fixture(autouse=True)
def _own_links_untouched() -> None:
    """The links here are libvirt's, in its own namespace: a reboot renews them."""


@pytest.fixture(scope="session")
def vm(require: Callable[[str], str]) -> Iterator[Machine]:
    """A machine as it is after its first boot, with this installation's code in it.

    ``DOCKYARD_GATE`` is the folder of its disk and its snapshot, that of ``dockyard gate``, so the
    two share a boot. ``DOCKYARD_GATE_BOX`` names another box than Debian 12's.
    """
    for tool in ("vagrant", "virsh", "ssh"):
        require(tool)
    cache = f"{os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')}/dockyard"
    place = Place(
        folder=os.environ.get("DOCKYARD_GATE") or f"{cache}/gate",
        vagrant_home=os.environ.get("VAGRANT_HOME") or f"{cache}/vagrant",
        driver=os.environ.get("DOCKYARD_DRIVER", ""),
    )
    boxes = Boxes(place)
    if not boxes.hypervisor.answers():
        reason = "no libvirt answers; ci/gate runs these tests beside one of its own"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} (CI=true: this must not be skipped)")
        pytest.skip(reason)
    plan = Plan(box=os.environ.get("DOCKYARD_GATE_BOX", "debian12"), snapshot=True)
    # One machine at a time: a second worker waits until the first has done with it.
    with boxes.locked(wait=BUSY_SECONDS), ExitStack() as undo:
        undo.callback(boxes.down, saved=True)
        machine = Machine(boxes, boxes.up(plan, boxes.box(plan)))
        undo.callback(machine.close)
        machine.install()
        yield machine
