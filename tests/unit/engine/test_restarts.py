import os
from collections.abc import Iterator

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.core.record import replace
from toolkit.engine import minding, restarts
from toolkit.engine.config import ContainerConfig
from toolkit.engine.control import Update
from toolkit.engine.engine import Engine
from toolkit.engine.restarts import Restarts
from toolkit.engine.settings import Settings
from toolkit.engine.words import status
from toolkit.runtime import waking

NULL = (0, 1, 2)
BOX = ContainerConfig(image="box", name="box", restart="always")


@pytest.fixture
def minder(settings: Settings) -> Iterator[waking.Socket]:
    """What a minder would hear."""
    os.makedirs(settings.run_root)
    sock = waking.listen(minding.socket_path(settings))
    yield sock
    sock.close()


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("no", ("", 0)),
        ("always", ("always", 0)),
        ("unless-stopped", ("unless-stopped", 0)),
        ("on-failure", ("on-failure", 0)),
        ("on-failure:3", ("on-failure", 3)),
    ],
)
def test_policies(text: str, policy: tuple[str, int]) -> None:
    assert restarts.parse_policy(text) == policy


@pytest.mark.parametrize("text", ["sometimes", "always:3", "on-failure:x", "on-failure:"])
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(InvalidInputError, match="restart"):
        restarts.parse_policy(text)


@pytest.mark.parametrize(
    ("policy", "code", "count", "wanted"),
    [
        ("", 1, 0, False),
        ("always", 0, 99, True),
        ("unless-stopped", 0, 99, True),
        ("on-failure", 0, 0, False),
        ("on-failure", 1, 2, True),
        ("on-failure", 1, 3, False),
    ],
)
def test_who_runs_again(policy: str, code: int, count: int, wanted: bool) -> None:
    config = ContainerConfig(image="box", restart=policy, restart_retries=3)
    known = Restarts(count=count)
    assert restarts.is_wanted(config, code, known) is wanted
    assert not restarts.is_wanted(config, code, replace(known, stopped=True))


def test_pauses_double_up_to_a_minute_and_begin_anew_after_a_long_life() -> None:
    known, pauses = Restarts(), []
    for _ in range(12):
        known = restarts.next_try(known, ran=0.5, now=0.0)
        pauses.append(known.due)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 60.0
    assert known.count == 12
    assert restarts.next_try(known, ran=11.0, now=0.0).due == 0.1


def test_a_start_calls_the_minder(
    engine: Engine, minder: waking.Socket, runtime: FakeRuntime, settings: Settings
) -> None:
    made = engine.run(BOX, NULL).id
    assert waking.hear(minder) == [made]
    assert restarts.minded(engine.database) == [made]
    request = runtime.requests[0]
    assert getattr(request, "wake", "") == minding.socket_path(settings)


def test_one_without_policy_or_check_calls_nobody(engine: Engine, minder: waking.Socket) -> None:
    engine.run(replace(BOX, restart=""), NULL)
    assert waking.hear(minder) == []
    assert not restarts.is_any_minded(engine.database)


def test_stopping_silences_the_policy_and_starting_wakes_it(
    engine: Engine, minder: waking.Socket
) -> None:
    made = engine.run(BOX, NULL).id
    engine.stop("box")
    assert restarts.read(engine.database, made).stopped
    engine.start("box")
    assert restarts.read(engine.database, made) == Restarts(minded=True)
    assert set(waking.hear(minder)) == {made}


def test_the_policy_s_own_start_keeps_the_count(engine: Engine, minder: waking.Socket) -> None:
    made = engine.run(BOX, NULL).id
    engine.kill("box")
    restarts.write(engine.database, made, Restarts(count=3))
    engine.start("box", again=True)
    assert engine.inspect("box").restarts == 3
    del minder


def test_one_that_is_due_is_restarting(engine: Engine, minder: waking.Socket) -> None:
    made = engine.run(BOX, NULL).id
    engine.kill("box")
    restarts.write(engine.database, made, Restarts(count=1, due=1e12))
    view = engine.inspect("box")
    assert view.status == "restarting"
    assert status(view).startswith("Restarting (137) ")
    assert [one.id for one in engine.list()] == [made]
    with pytest.raises(ConflictError, match="restarting"):
        engine.remove("box")
    waking.hear(minder)
    engine.stop("box")
    assert engine.inspect("box").status == "exited"
    assert waking.hear(minder) == [made]  # it need not wait for it any more
    assert not restarts.claim(engine.database, made)
    engine.remove("box")


def test_one_that_has_just_ended_is_restarting_before_anybody_noticed(
    engine: Engine, minder: waking.Socket, runtime: FakeRuntime, settings: Settings
) -> None:
    made = engine.run(replace(BOX, restart="on-failure"), NULL).id
    runtime.sessions[settings.state_dir(made)].end(3)
    assert engine.inspect("box").status == "restarting"
    restarts.set_minded(engine.database, made, on=False)
    assert engine.inspect("box").status == "exited"
    engine.start("box")
    runtime.sessions[settings.state_dir(made)].end(0)
    assert engine.inspect("box").status == "exited"
    del minder


def test_killing_one_that_is_due_ends_that(engine: Engine, minder: waking.Socket) -> None:
    made = engine.run(BOX, NULL).id
    engine.kill("box")
    restarts.write(engine.database, made, Restarts(due=1e12))
    engine.kill("box")
    assert engine.inspect("box").status == "exited"
    del minder


def test_a_restart_is_claimed_once(engine: Engine, minder: waking.Socket) -> None:
    made = engine.run(BOX, NULL).id
    restarts.write(engine.database, made, Restarts(due=5.0))
    assert restarts.claim(engine.database, made)
    assert not restarts.claim(engine.database, made)
    del minder


def test_who_was_stopped_meanwhile_is_not_planned_for(
    engine: Engine, minder: waking.Socket
) -> None:
    made = engine.run(BOX, NULL).id
    assert restarts.plan(engine.database, made, Restarts(count=1, due=5.0))
    engine.stop("box")
    assert not restarts.plan(engine.database, made, Restarts(count=2, due=5.0))
    known = restarts.read(engine.database, made)
    assert (known.stopped, known.due) == (True, 0.0)
    restarts.note_error(engine.database, made, "why")
    assert restarts.read(engine.database, made) == replace(known, error="why")
    del minder


def test_another_policy_is_told_to_the_minder(engine: Engine, minder: waking.Socket) -> None:
    made = engine.run(replace(BOX, restart=""), NULL).id
    engine.update("box", Update(restart="always", restart_retries=0))
    assert waking.hear(minder) == [made]
    assert restarts.minded(engine.database) == [made]


def test_after_a_boot_all_that_always_run_do_so_again(
    engine: Engine, minder: waking.Socket
) -> None:
    made = engine.run(BOX, NULL).id
    other = engine.run(replace(BOX, name="other", restart="unless-stopped"), NULL).id
    restarts.boot(engine.database, "one")
    for container in (made, other):
        engine.stop(container)
        restarts.set_minded(engine.database, container, on=False)
    restarts.boot(engine.database, "one")
    assert restarts.minded(engine.database) == []
    restarts.boot(engine.database, "two")
    assert restarts.minded(engine.database) == [made]
    assert not restarts.read(engine.database, made).stopped
    assert restarts.read(engine.database, other).stopped
    del minder


def test_words_reach_one_listener(tmp_path: os.PathLike[str]) -> None:
    path = f"{os.fspath(tmp_path)}/{'long' * 30}/sock"
    os.makedirs(os.path.dirname(path))
    assert not waking.tell(path, "nobody")
    assert not waking.listens(path)
    sock = waking.listen(path)
    assert waking.listens(path)
    for _ in range(1000):  # far more than the kernel keeps: who has not read them is awake
        assert waking.tell(path, "word")
    assert set(waking.hear(sock)) == {"word"}
    sock.close()
    assert not waking.tell(path, "gone")


def test_nobody_there_means_a_new_process(tmp_path: os.PathLike[str]) -> None:
    folder = os.fspath(tmp_path)
    os.mkfifo(f"{folder}/fifo")
    waking.wake(f"{folder}/sock", "word", ("/bin/sh", "-c", f"echo here > {folder}/fifo"))
    with open(f"{folder}/fifo", encoding="ascii") as fifo:
        assert fifo.read() == "here\n"
