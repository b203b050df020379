"""Containers that exist are paused, renamed, limited otherwise, attached to, and looked at."""

import os

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.engine.config import ContainerConfig
from toolkit.engine.control import Update
from toolkit.engine.engine import Engine
from toolkit.engine.usage import cpu_percent

NULL = (0, 1, 2)
BOX = ContainerConfig(image="box", name="box", memory=64 << 20)


def actions(engine: Engine) -> list[str]:
    return [event["Action"] for event in engine.events.read()]


def test_pausing_and_going_on(engine: Engine) -> None:
    engine.run(BOX, NULL)
    engine.pause("box")
    assert engine.inspect("box").status == "paused"
    with pytest.raises(ConflictError, match="already paused"):
        engine.pause("box")
    engine.unpause("box")
    assert engine.inspect("box").status == "running"
    with pytest.raises(ConflictError, match="not paused"):
        engine.unpause("box")
    assert actions(engine) == ["create", "pause", "unpause"]


def test_a_paused_one_is_stopped(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    engine.pause("box")
    runtime.dies_of = {2}  # what the image asks for
    engine.stop("box")
    assert engine.inspect("box").exit_status == 130
    assert actions(engine)[-2:] == ["kill", "stop"]


def test_renaming(engine: Engine) -> None:
    engine.create(BOX)
    engine.create(ContainerConfig(image="box", name="other"))
    with pytest.raises(ConflictError, match="'other' is in use"):
        engine.rename("box", "other")
    with pytest.raises(InvalidInputError):
        engine.rename("box", "-x")
    with pytest.raises(InvalidInputError):
        engine.rename("box", "box")
    engine.rename("box", "third")
    assert {view.name for view in engine.list(all=True)} == {"third", "other"}
    renamed = list(engine.events.read())[-1]
    assert renamed["Actor"]["Attributes"]["oldName"] == "/box"


def test_other_limits_hold_now_and_later(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    engine.update("box", Update(memory=32 << 20, memory_swap=-1, pids_limit=9))
    given = runtime.limits[-1]
    assert given.memory is not None
    assert given.pids is not None
    assert (given.memory.limit, given.pids.limit, given.cpu) == (32 << 20, 9, None)
    assert engine.inspect("box").config.memory == 32 << 20
    with pytest.raises(InvalidInputError, match="least"):
        engine.update("box", Update(memory=1))
    with pytest.raises(InvalidInputError, match="needs a limit"):
        engine.update("box", Update())
    assert engine.inspect("box").config.memory == 32 << 20


def test_limits_of_one_that_does_not_run_wait(engine: Engine, runtime: FakeRuntime) -> None:
    engine.create(BOX)
    engine.update("box", Update(cpu_shares=512))
    assert runtime.limits == []
    assert engine.inspect("box").config.cpu_shares == 512


def test_restarting(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    runtime.dies_of = {2}
    engine.restart("box")
    assert engine.inspect("box").status == "running"
    assert len(runtime.requests) == 2
    assert actions(engine)[-1] == "restart"
    engine.run(ContainerConfig(image="box", name="gone", auto_remove=True), NULL)
    with pytest.raises(ConflictError, match="removes itself"):
        engine.restart("gone")


def test_attaching_and_leaving(engine: Engine, runtime: FakeRuntime) -> None:
    made = engine.create(BOX)
    with pytest.raises(ConflictError, match="nothing to attach to"):
        engine.attach("box", NULL)
    engine.start("box")
    running = engine.attach(made[:12], (5, 6, 7))
    assert runtime.stdio[-1] == (5, 6, 7)
    running.detach()
    assert runtime.detached == 1


def test_what_runs_and_what_it_uses(engine: Engine) -> None:
    engine.run(BOX, NULL)
    found = engine.top("box", ("-o", "pid,args"))
    assert found.titles == ("PID", "COMMAND")
    assert [row[0] for row in found.rows] == [str(os.getpid())]
    with pytest.raises(InvalidInputError, match="no column 'PID'"):
        engine.top("box", ("-o", "args"))
    with pytest.raises(InvalidInputError, match="ps: "):
        engine.top("box", ("--nonsense",))
    first, second = engine.sample("box"), engine.sample("box")
    assert (first.memory, first.name) == (4 << 20, "box")
    assert cpu_percent(first, second) == 0.0


def test_killing_what_does_not_run(engine: Engine) -> None:
    engine.create(BOX)
    with pytest.raises(ConflictError, match="is not running: it is created"):
        engine.kill("box")
