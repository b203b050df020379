"""State directories, and what stands in them."""

import os
import subprocess
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.files import remove_tree
from toolkit.core.record import replace
from toolkit.oci.spec import Process, Spec
from toolkit.runtime import messages, states
from toolkit.runtime.client import cleanup, connect_shim, kill, read_state
from toolkit.runtime.request import Overlay, StartRequest, from_data, to_data
from toolkit.runtime.trees import put, set_aside, sweep

STATE = states.State(id="box", status=states.RUNNING, pid=1, cgroup={"pids": "/x"})


def test_the_table_of_moves() -> None:
    states.check_move("box", states.CREATED, states.RUNNING)
    with pytest.raises(ConflictError, match="container 'box' is stopped and cannot become running"):
        states.check_move("box", states.STOPPED, states.RUNNING)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    me = os.getpid()
    state = replace(STATE, pid=me, started=states.start_time(me))
    states.write_state(str(tmp_path), state)
    assert read_state(str(tmp_path)) == state


def test_a_pid_that_was_used_again_is_not_the_container(tmp_path: Path) -> None:
    me = os.getpid()
    states.write_state(
        str(tmp_path), replace(STATE, pid=me, started=1, shim_pid=me, shim_started=1)
    )
    found = read_state(str(tmp_path))
    assert found is not None
    assert (found.status, found.pid, found.shim_pid) == (states.STOPPED, 0, 0)


def test_no_state_is_none(tmp_path: Path) -> None:
    assert read_state(str(tmp_path / "nothing")) is None
    (tmp_path / "file").touch()
    assert read_state(str(tmp_path / "file")) is None


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert states.start_time(child.pid) == 0
    child.wait()
    assert states.start_time(child.pid) == 0


def test_signals_for_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        kill(str(tmp_path), 9)
    with pytest.raises(NotFoundError):
        connect_shim(str(tmp_path))
    states.write_state(str(tmp_path), replace(STATE, pid=0))
    with pytest.raises(ConflictError, match="not running"):
        kill(str(tmp_path), 9)


def request(folder: Path) -> StartRequest:
    return StartRequest(
        id="box",
        spec=Spec(process=Process(cwd="/", args=("x",))),
        state_dir=str(folder / "state"),
        cgroup="",
        overlay=Overlay(lower=("/a", "/b"), upper="/u", work="/w"),
        exit_file=str(folder / "exit.json"),
        remove=(str(folder / "data"),),
    )


def test_a_request_travels_whole(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    assert from_data(messages.decode(messages.encode(to_data(wanted)))) == wanted


def test_cleaning_up_after_a_shim_that_noted_nothing_but_the_request(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    for name in ("state", "data/below"):
        (tmp_path / name).mkdir(parents=True)
    states.write_request(wanted.state_dir, messages.encode(to_data(wanted)).encode())
    cleanup(wanted.state_dir)
    assert [path.name for path in tmp_path.iterdir()] == ["exit.json"]
    assert messages.decode((tmp_path / "exit.json").read_text())["status"] == 255


def test_cleaning_up_keeps_an_exit_status_that_is_known(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "exit.json").write_text('{"status": 3}')
    states.write_request(wanted.state_dir, messages.encode(to_data(wanted)).encode())
    cleanup(wanted.state_dir)
    assert (tmp_path / "exit.json").read_text() == '{"status": 3}'


def test_cleaning_up_nothing(tmp_path: Path) -> None:
    cleanup(str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    cleanup(str(tmp_path / "empty"))
    assert list(tmp_path.iterdir()) == []


def test_put_replaces_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "file"
    put(str(path), b"one")
    put(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_trees_are_removed_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").touch()
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/file").touch()
    (tree / "link").symlink_to(tmp_path / "outside")
    (tree / "a/b").chmod(0o500)
    remove_tree(str(tree))
    remove_tree(str(tree))
    remove_tree(str(tmp_path / "no/such/parent"))
    assert not tree.exists()
    assert (tmp_path / "outside/kept").exists()


def test_a_file_counts_as_a_tree(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remove_tree(str(tmp_path / "file"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_set_aside_is_out_of_sight(tmp_path: Path) -> None:
    (tmp_path / "box/below").mkdir(parents=True)
    aside = set_aside(str(tmp_path / "box"))
    assert [path.name for path in tmp_path.iterdir()] == [f".gone-box-{os.getpid()}"]
    assert Path(aside, "below").is_dir()
    assert set_aside(str(tmp_path / "box")) == ""
    remove_tree(aside)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_set_aside_is_swept_away(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    for name in (f".gone-a-{child.pid}", f".gone-b-{os.getpid()}", "kept"):
        (tmp_path / name).mkdir()
    sweep(str(tmp_path))
    sweep(str(tmp_path / "nothing"))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f".gone-b-{os.getpid()}", "kept"}
