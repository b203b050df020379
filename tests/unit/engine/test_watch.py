"""What a killed command left is finished or undone by the next one."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.record import replace
from toolkit.engine.config import ContainerConfig
from toolkit.engine.engine import Engine
from toolkit.engine.owner import me
from toolkit.engine.settings import Settings

NULL = (0, 1, 2)
DEAD = "999999999:1"
Opener = Callable[[], Engine]


def rewrite(settings: Settings, **columns: object) -> None:
    """As if a command had died at that point."""
    database = sqlite3.connect(settings.database)
    for name, value in {"owner": DEAD, **columns}.items():
        database.execute(f"UPDATE containers SET {name}=?", (value,))
    database.commit()
    database.close()


def test_what_was_being_made_is_undone(engine: Engine, open_engine: Opener) -> None:
    made = engine.create(ContainerConfig(image="box"))
    rewrite(engine.settings, phase="making")
    assert engine.list(all=True) == []
    assert open_engine().list(all=True) == []
    assert not Path(engine.settings.container_dir(made)).exists()


def test_what_runs_already_is_whole(engine: Engine, open_engine: Opener) -> None:
    running = engine.run(ContainerConfig(image="box"), NULL)
    rewrite(engine.settings, phase="making", started=0)
    assert [view.id for view in open_engine().list()] == [running.id]


def test_what_was_being_removed_is_removed(
    engine: Engine, open_engine: Opener, runtime: FakeRuntime
) -> None:
    engine.run(ContainerConfig(image="box"), NULL)
    rewrite(engine.settings, phase="removing")
    assert open_engine().list(all=True) == []
    assert runtime.killed == [9]


def test_a_living_owner_is_left_alone(engine: Engine, open_engine: Opener) -> None:
    engine.create(ContainerConfig(image="box", name="box"))
    rewrite(engine.settings, phase="making", owner=me())
    assert open_engine().list(all=True) == []
    assert engine.inspect("box").status == "created"


def test_a_tied_one_ends_with_its_owner(
    engine: Engine, open_engine: Opener, runtime: FakeRuntime
) -> None:
    engine.run(ContainerConfig(image="box", auto_remove=True), NULL, tied=True)
    assert len(engine.list()) == 1
    assert len(open_engine().list()) == 1
    rewrite(engine.settings)
    assert open_engine().list(all=True) == []
    assert runtime.killed == [9]


def test_one_killed_while_it_was_tied_is_undone(
    engine: Engine, open_engine: Opener, runtime: FakeRuntime
) -> None:
    engine.run(ContainerConfig(image="box", auto_remove=True), NULL, tied=True)
    rewrite(engine.settings, phase="tying")
    assert open_engine().list(all=True) == []
    assert runtime.killed == [9]


def test_an_auto_removed_one_is_forgotten_when_over(
    engine: Engine, open_engine: Opener, runtime: FakeRuntime
) -> None:
    running = engine.run(ContainerConfig(image="box", auto_remove=True), NULL)
    state_dir = engine.settings.state_dir(running.id)
    runtime.sessions[state_dir].end()
    assert engine.list(all=True) == []
    rewrite(engine.settings)
    open_engine()
    assert not Path(engine.settings.container_dir(running.id)).exists()
    assert state_dir in runtime.cleaned


def test_an_auto_removed_one_that_never_ran_stays(engine: Engine, open_engine: Opener) -> None:
    engine.create(ContainerConfig(image="box", auto_remove=True))
    rewrite(engine.settings)
    assert len(open_engine().list(all=True)) == 1


def test_an_end_that_nobody_saw_is_255(engine: Engine, runtime: FakeRuntime) -> None:
    running = engine.run(ContainerConfig(image="box", name="box"), NULL)
    runtime.states.clear()
    view = engine.inspect("box")
    assert (view.status, view.exit_status) == ("exited", 255)
    assert engine.wait(running.id) == 255


def test_a_killed_shims_rest_is_tidied(engine: Engine, runtime: FakeRuntime) -> None:
    running = engine.run(ContainerConfig(image="box", name="box"), NULL)
    state_dir = engine.settings.state_dir(running.id)
    stopped = replace(runtime.states[state_dir], status="stopped", shim_pid=0)
    runtime.states[state_dir] = stopped
    assert engine.inspect("box").status == "exited"
    assert state_dir in runtime.cleaned


def test_a_torn_exit_file_is_no_error(engine: Engine, runtime: FakeRuntime) -> None:
    running = engine.run(ContainerConfig(image="box", name="box"), NULL)
    runtime.states.clear()
    Path(engine.settings.container_dir(running.id), "exit.json").write_text('{"sta')
    assert engine.inspect("box").exit_status == 255


@pytest.mark.parametrize("status", ["creating", "created"])
def test_a_held_one_is_created(engine: Engine, runtime: FakeRuntime, status: str) -> None:
    running = engine.run(ContainerConfig(image="box", name="box"), NULL)
    state_dir = engine.settings.state_dir(running.id)
    runtime.states[state_dir] = replace(runtime.states[state_dir], status=status)
    assert engine.inspect("box").status == "created"


def test_a_long_lived_engine_forgets_what_nobody_waits_for(
    engine: Engine, runtime: FakeRuntime
) -> None:
    config = ContainerConfig(image="box", name="box", auto_remove=True, detach=True)
    running = engine.run(config, NULL)
    runtime.sessions[engine.settings.state_dir(running.id)].end()
    again = engine.run(config, NULL)
    assert [view.id for view in engine.list()] == [again.id]


@pytest.mark.parametrize("ours", [True, False])
def test_a_container_without_a_row_is_ended_if_it_is_ours(
    engine: Engine, open_engine: Opener, runtime: FakeRuntime, *, ours: bool
) -> None:
    name = "ab" * 32
    path = Path(engine.settings.state_dir(name))
    path.mkdir(parents=True)
    root = engine.settings.container_dir(name) if ours else f"/elsewhere/containers/{name}"
    (path / "request.json").write_text(f'{{"exitFile":"{root}/exit.json"}}')
    open_engine()
    assert (str(path) in runtime.cleaned) is ours


def test_what_a_shim_takes_away_meanwhile_is_no_failure(
    engine: Engine, runtime: FakeRuntime
) -> None:
    engine.run(ContainerConfig(image="box", name="box"), NULL)
    runtime.races = 3
    engine.remove("box", force=True)
    assert runtime.races == 0
    assert engine.list(all=True) == []
