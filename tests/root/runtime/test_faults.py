"""Every step of a start made to fail in turn: one line, status 125, and nothing left behind."""

import os

import pytest

from support.boxes import Boxes
from toolkit.runtime import messages
from toolkit.runtime.client import Launcher, StartError
from toolkit.runtime.steps import INIT_STEPS, SHIM_STEPS

pytestmark = pytest.mark.root


@pytest.mark.parametrize("step", [*SHIM_STEPS, *INIT_STEPS])
def test_a_failing_step_leaves_nothing(boxes: Boxes, step: str) -> None:
    with pytest.raises(StartError, match="fault: asked for by a test") as caught:
        boxes.run(["true"], fault=step)
    assert caught.value.exit_status == (126 if step == "exec" else 125)


@pytest.mark.parametrize("step", ["relay", "protect", "stdio", "exec"])
def test_a_failing_step_of_a_terminal_leaves_nothing(boxes: Boxes, step: str) -> None:
    with pytest.raises(StartError, match="fault"):
        boxes.run(["true"], fault=step, terminal=True)


@pytest.mark.parametrize("step", ["cgroup", "mounts"])
def test_a_failing_step_of_a_held_one_leaves_nothing(boxes: Boxes, step: str) -> None:
    with pytest.raises(StartError, match="fault"):
        boxes.run(["true"], fault=step, hold=True)


def test_only_a_launcher_for_tests_fails_on_demand(boxes: Boxes) -> None:
    with Launcher.spawn() as honest:
        plain = Boxes(honest, boxes.root, boxes.home, boxes.mark)
        assert plain.run(["true"], fault="mounts").status == 0


def test_the_launcher_keeps_no_descriptor_and_no_child(boxes: Boxes) -> None:
    def descriptors() -> int:
        return len(os.listdir(f"/proc/{boxes.launcher.pid}/fd"))

    boxes.run(["true"])
    before = descriptors()
    for fault in ("", "mounts", "state", "exec"):
        try:
            boxes.run(["true"], fault=fault)
        except StartError:
            continue
    assert descriptors() == before


def test_nonsense_does_not_end_the_launcher(boxes: Boxes) -> None:
    for data in (b"no json", b"[]", b'{"kind":"start"}', b'{"kind":"dance"}'):
        ours, theirs = messages.pair()
        messages.send_bytes(boxes.launcher.socket, data, (0, 1, 2, theirs.fileno()))
        theirs.close()
        answer, _ = messages.receive(ours)
        ours.close()
        assert answer is not None
        assert answer["event"] == "error"
    assert boxes.run(["true"]).status == 0


def test_a_huge_request_travels_in_a_memory_file(boxes: Boxes) -> None:
    env = tuple(f"VARIABLE{number}={'x' * 1000}" for number in range(400))
    done = boxes.run(["sh", "-c", "env | grep -c VARIABLE"], env=("PATH=/bin", *env))
    assert done.out == "400\n"
