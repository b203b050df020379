import os
import signal
import threading
import time
from pathlib import Path

import pytest

from toolkit.agent import children
from toolkit.agent.interrupts import Held
from toolkit.core.errors import NotFoundError, ToolkitError


def test_a_program_runs_to_its_end() -> None:
    done = children.run(("sh", "-c", "cat; echo no >&2; exit 4"), stdin=b"\0in")
    assert (done.status, done.stdout, done.stderr) == (4, b"\0in", b"no\n")


def test_a_signal_is_minus_its_number() -> None:
    assert children.run(("sh", "-c", "kill -9 $$")).status == -9


def test_without_stdin_there_is_end_of_file() -> None:
    assert children.run(("cat",)).stdout == b""


def test_a_program_that_does_not_read_is_no_fault() -> None:
    assert children.run(("true",), stdin=b"x" * 1_000_000).status == 0


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'no-such' is not installed"):
        children.run(("no-such",))
    with pytest.raises(NotFoundError, match="no such directory: '/no/such'"):
        children.run(("true",), cwd="/no/such")
    (tmp_path / "plain").write_text("")
    with pytest.raises(ToolkitError, match="plain' cannot be run: Permission denied"):
        children.run((str(tmp_path / "plain"),))


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(ToolkitError, match=r"did not end within 0\.3 s"):
        children.run(("sh", "-c", script), timeout=0.3)
    assert _is_gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "END_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(ToolkitError, match="did not end"):
        children.run(("sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"), timeout=0.2)
    assert time.monotonic() - began < 5


def test_an_interrupt_ends_the_group_and_goes_on(tmp_path: Path) -> None:
    main = threading.main_thread().ident or 0
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(KeyboardInterrupt):
        children.run(("sh", "-c", script))
    timer.join()
    assert _is_gone(int((tmp_path / "pid").read_text()))


def test_an_interrupt_while_a_program_starts_waits_until_it_is_known() -> None:
    held = Held()
    done: list[str] = []

    def start() -> None:
        with held:
            with held:
                held.on_signal()
                done.append("inner")
            done.append("outer")
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done == ["inner", "outer"]
    with held:
        done.append("free again")
    with pytest.raises(KeyboardInterrupt):
        held.on_signal()


def _is_gone(pid: int) -> bool:
    """A zombie counts as gone: who reaps it is not our child's business."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not os.path.exists(state) or ") Z " in state.read_text():
            return True
        time.sleep(0.02)
    return False
