"""A container with a terminal: a real one, with a size that follows, that outlives its shim."""

import fcntl
import os
import signal
import struct
import termios
import time
from pathlib import Path

import pytest

from support.boxes import Boxes
from toolkit.core.files import remove_tree
from toolkit.oci.spec import ConsoleSize
from toolkit.runtime.client import cleanup, read_state

pytestmark = pytest.mark.root


def test_it_is_a_terminal_with_a_size_that_follows(boxes: Boxes) -> None:
    script = "trap 'stty size; exit 3' WINCH; tty; stty size; while :; do sleep 0.05; done"
    box = boxes.start(
        ["sh", "-c", script], terminal=True, console_size=ConsoleSize(height=11, width=22)
    )
    box.started()
    said = box.say("11 22")
    assert "/dev/pts/0" in said
    box.session.resize(33, 44)
    box.say("33 44")
    done = box.finish()
    assert (done.status, done.err) == (3, "")


def test_the_client_holds_the_master_too(boxes: Boxes) -> None:
    box = boxes.start(["sh", "-c", "tty; sleep 60"], terminal=True)
    box.started()
    master = box.session.master
    assert master is not None
    box.say("/dev/pts/0")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 6, 0, 0))
    size = struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, b"\0" * 8))
    assert size[:2] == (5, 6)
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_keys_arrive_and_interrupt(boxes: Boxes) -> None:
    reader, writer = os.pipe()
    box = boxes.start(
        [
            "sh",
            "-c",
            "trap 'echo caught; exit 9' INT; read x; echo got $x; while :; do sleep 1; done",
        ],
        stdin=reader,
        terminal=True,
    )
    os.close(reader)
    box.started()
    os.write(writer, b"word\n")
    box.say("got word")
    os.write(writer, b"\x03")
    box.say("caught")
    os.close(writer)
    assert box.finish().status == 9


def test_the_console_is_the_terminal(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "stat -c %t:%T /dev/console; tty < /dev/console"], terminal=True)
    assert done.out.split() == ["88:0", "/dev/console"]


def test_exec_has_a_terminal_too(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    box.started()
    done = boxes.exec(
        request,
        ["sh", "-c", "tty; stty size"],
        terminal=True,
        console_size=ConsoleSize(height=7, width=8),
    ).finish()
    assert done.out.split() == ["/dev/pts/0", "7", "8"]
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_a_killed_shim_does_not_hang_up_the_terminal(boxes: Boxes) -> None:
    request = boxes.request(["sh", "-c", "echo up; sleep 60"], terminal=True, remove=())
    box = boxes.start(request)
    pid = box.started()
    box.say("up")
    state = read_state(request.state_dir)
    assert state is not None
    os.kill(state.shim_pid, signal.SIGKILL)
    box.close()
    time.sleep(0.3)
    assert Path(f"/proc/{pid}").exists()
    os.kill(pid, signal.SIGKILL)
    while (now := read_state(request.state_dir)) is not None and (now.pid or now.shim_pid):
        time.sleep(0.02)
    cleanup(request.state_dir)
    remove_tree(str(boxes.home / request.id))
