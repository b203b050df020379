import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.engine.config import Bind, ContainerConfig
from toolkit.engine.engine import Engine
from toolkit.engine.model import ExecConfig
from toolkit.engine.settings import Settings
from toolkit.runtime.client import StartError
from toolkit.runtime.request import ExecRequest, StartRequest

NULL = (0, 1, 2)
BOX = ContainerConfig(image="box", name="box")


def kept(settings: Settings) -> list[str]:
    """The directories of containers that are left."""
    path = Path(settings.data_root, "containers")
    return sorted(os.listdir(path)) if path.exists() else []


def started(runtime: FakeRuntime) -> StartRequest:
    request = runtime.requests[-1]
    assert isinstance(request, StartRequest)
    return request


def test_create_then_start_then_end(engine: Engine, runtime: FakeRuntime) -> None:
    made = engine.create(BOX)
    assert engine.inspect("box").status == "created"
    assert engine.list() == []
    assert [view.id for view in engine.list(all=True)] == [made]
    running = engine.start("box")
    assert engine.inspect("box").status == "running"
    assert [view.name for view in engine.list()] == ["box"]
    runtime.sessions[engine.settings.state_dir(made)].end(3)
    assert running.wait() == 3
    view = engine.inspect(made[:12])
    assert (view.status, view.exit_status, view.finished) == ("exited", 3, 5.0)
    assert view.started >= view.created > 0


def test_what_the_runtime_is_asked(engine: Engine, runtime: FakeRuntime, layer: Path) -> None:
    running = engine.run(BOX, NULL)
    request = started(runtime)
    directory = engine.settings.container_dir(running.id)
    assert request.cgroup == f"dockyard/{running.id}"
    assert request.overlay is not None
    assert request.overlay.lower == (str(layer),)
    assert request.overlay.upper == f"{directory}/upper"
    assert request.exit_file == f"{directory}/exit.json"
    assert request.log == f"{directory}/log.json"
    assert request.remove == (request.state_dir,)
    assert not request.passthrough
    assert request.spec.process is not None
    assert request.spec.process.args == ("sh",)
    assert Path(directory, "hostname").read_text() == f"{running.id[:12]}\n"
    assert os.stat(directory).st_mode & 0o777 == 0o710


def test_rm_leaves_nothing(engine: Engine, runtime: FakeRuntime) -> None:
    config = ContainerConfig(image="box", auto_remove=True)
    running = engine.run(config, NULL)
    request = started(runtime)
    assert request.remove == (request.state_dir, engine.settings.container_dir(running.id))
    runtime.sessions[request.state_dir].end()
    assert running.wait() == 0
    assert engine.list(all=True) == []


def test_a_start_that_fails_leaves_nothing(engine: Engine, runtime: FakeRuntime) -> None:
    runtime.failure = StartError("no such program", status=127)
    with pytest.raises(StartError):
        engine.run(BOX, NULL)
    assert engine.list(all=True) == []
    assert kept(engine.settings) == []
    assert runtime.cleaned


def test_a_created_one_that_fails_to_start_stays(engine: Engine, runtime: FakeRuntime) -> None:
    engine.create(BOX)
    runtime.failure = StartError("no such program", status=127)
    with pytest.raises(StartError):
        engine.start("box")
    assert engine.inspect("box").status == "created"


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (ContainerConfig(image="nothing"), NotFoundError),
        (ContainerConfig(), InvalidInputError),
        (ContainerConfig(rootfs="/nonexistent"), NotFoundError),
        (ContainerConfig(image="box", cap_add=("NET",)), InvalidInputError),
        (ContainerConfig(image="box", network="nowhere"), NotFoundError),
        (ContainerConfig(image="box", network="container:nobody"), NotFoundError),
        (ContainerConfig(image="box", network="none", ip="192.168.5.9"), InvalidInputError),
        (ContainerConfig(image="box", user="nobody"), InvalidInputError),
        (ContainerConfig(image="box", name="-x"), InvalidInputError),
        (ContainerConfig(image="box", name="a/b"), InvalidInputError),
        (ContainerConfig(image="box", pid="container:none"), NotFoundError),
        (
            ContainerConfig(image="box", binds=(Bind(source="/proc/1/x/y", target="/d"),)),
            InvalidInputError,
        ),
    ],
)
def test_bad_input_leaves_nothing(
    engine: Engine, config: ContainerConfig, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        engine.run(config, NULL)
    assert engine.list(all=True) == []
    assert kept(engine.settings) == []


def test_a_name_is_used_once(engine: Engine) -> None:
    engine.create(BOX)
    with pytest.raises(ConflictError, match="the name 'box' is in use"):
        engine.create(BOX)
    assert len(kept(engine.settings)) == 1


def test_a_container_without_a_name_gets_one(engine: Engine) -> None:
    made = engine.create(ContainerConfig(image="box"))
    assert "_" in engine.inspect(made).name


def test_a_volume_is_made_like_dockers(engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "new/data"
    engine.create(ContainerConfig(image="box", binds=(Bind(source=str(source), target="/d"),)))
    assert source.is_dir()


def test_a_made_volume_goes_with_a_failed_start(
    engine: Engine, runtime: FakeRuntime, tmp_path: Path
) -> None:
    runtime.failure = StartError("no")
    source = tmp_path / "new/data"
    config = ContainerConfig(image="box", binds=(Bind(source=str(source), target="/d"),))
    with pytest.raises(StartError):
        engine.run(config, NULL)
    assert not (tmp_path / "new").exists()


def test_a_rootfs_is_only_read(engine: Engine, runtime: FakeRuntime, layer: Path) -> None:
    engine.run(ContainerConfig(rootfs=str(layer), command=("sh",)), NULL)
    overlay = started(runtime).overlay
    assert overlay is not None
    assert overlay.lower == (str(layer),)
    assert not overlay.upper.startswith(f"{layer}/")


def test_a_rootfs_around_the_data_root_gets_its_layer_in_memory(
    engine: Engine, runtime: FakeRuntime, tmp_path: Path
) -> None:
    engine.run(ContainerConfig(rootfs=str(tmp_path), command=("sh",)), NULL)
    overlay = started(runtime).overlay
    assert overlay is not None
    assert overlay.upper.startswith("tmpfs:")


def test_stop_asks_with_the_images_signal_and_then_kills(
    engine: Engine, runtime: FakeRuntime
) -> None:
    engine.run(BOX, NULL)
    engine.stop("box", timeout=0.05)
    assert runtime.killed == [2, 9]
    assert engine.inspect("box").exit_status == 137
    engine.stop("box")
    assert runtime.killed == [2, 9]


def test_stop_waits_no_longer_than_needed(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(ContainerConfig(image="box", name="box", stop_signal="TERM"), NULL)
    engine.stop("box", timeout=60)
    assert runtime.killed == [15]


def test_stop_works_without_a_shim(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    runtime.has_shim = False
    engine.stop("box", timeout=0.05)
    assert runtime.killed == [2, 9]


def test_kill_needs_a_running_one(engine: Engine, runtime: FakeRuntime) -> None:
    engine.create(BOX)
    with pytest.raises(ConflictError, match="'box' is not running: it is created"):
        engine.kill("box")
    engine.start("box")
    engine.kill("box", 12)
    assert runtime.killed == [12]


def test_remove(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    with pytest.raises(ConflictError, match="is running"):
        engine.remove("box")
    engine.remove("box", force=True)
    assert runtime.killed == [9]
    assert engine.list(all=True) == []
    assert kept(engine.settings) == []


def test_wait_after_the_end(engine: Engine, runtime: FakeRuntime) -> None:
    running = engine.run(BOX, NULL)
    session = runtime.sessions[engine.settings.state_dir(running.id)]
    session.end(7)
    assert engine.wait("box") == 7


def test_exec_is_the_containers_own_but_for_what_is_asked(
    engine: Engine, runtime: FakeRuntime
) -> None:
    engine.run(ContainerConfig(image="box", name="box", env=("B=1",), cap_drop=("ALL",)), NULL)
    engine.exec("box", ExecConfig(command=("id",), env=("C=2",), user="7:8", tty=True), NULL)
    request = runtime.requests[-1]
    assert isinstance(request, ExecRequest)
    process = request.process
    assert process.args == ("id",)
    assert {"A=image", "B=1", "C=2", "TERM=xterm"} <= set(process.env)
    assert (process.user.uid, process.user.gid) == (7, 8)
    assert process.capabilities is not None
    assert process.capabilities.bounding == ()


def test_exec_needs_a_running_one(engine: Engine) -> None:
    engine.create(BOX)
    with pytest.raises(ConflictError, match="not running"):
        engine.exec("box", ExecConfig(command=("id",)), NULL)


def test_a_pid_namespace_is_joined_by_name(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(BOX, NULL)
    engine.run(ContainerConfig(image="box", pid="container:box"), NULL)
    paths = [item.path for item in started(runtime).spec.linux.namespaces if item.type == "pid"]
    assert paths == [f"/proc/{os.getpid()}/ns/pid"]


def test_user_names_come_from_the_image(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(ContainerConfig(image="box", user="web"), NULL)
    process = started(runtime).spec.process
    assert process is not None
    assert process.user.uid == 33
    assert "HOME=/var/www" in process.env


def test_the_next_engine_sees_the_same(engine: Engine, open_engine: Callable[[], Engine]) -> None:
    made = engine.create(BOX)
    assert open_engine().inspect("box").id == made


def test_an_interrupted_start_is_heard_out_and_undone(engine: Engine, runtime: FakeRuntime) -> None:
    runtime.interrupts = 1
    with pytest.raises(KeyboardInterrupt):
        engine.run(BOX, NULL)
    assert runtime.answers == 2
    assert engine.list(all=True) == []
    assert kept(engine.settings) == []
