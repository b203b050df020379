"""Volumes and who uses them; which ones a container gets, and what they begin with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from toolkit.engine.config import Bind, ContainerConfig, Tmpfs, VolumeMount
from toolkit.engine.engine import Engine
from toolkit.engine.mounting import parse_from, resolve
from toolkit.runtime.request import StartRequest

NULL = (0, 1, 2)
DATA = VolumeMount(target="/data", name="data")


def box(*volumes: VolumeMount, name: str = "box", auto_remove: bool = False) -> ContainerConfig:
    return ContainerConfig(image="box", name=name, volumes=volumes, auto_remove=auto_remove)


def names(engine: Engine, **filters: list[str]) -> list[str]:
    return [volume.name for volume in engine.volumes.select(filters)]


def test_making_finding_and_removing(engine: Engine) -> None:
    made = engine.volumes.create("data", labels={"a": "1"})
    assert engine.volumes.create("data").created == made.created
    assert Path(made.path).is_dir()
    assert engine.volumes.find("data").labels == {"a": "1"}
    with pytest.raises(NotFoundError, match="no such volume: 'date'") as caught:
        engine.volumes.find("date")
    assert "'data'" in caught.value.hint
    engine.volumes.remove("data")
    assert not Path(made.path).parent.exists()
    engine.volumes.remove("data", force=True)
    with pytest.raises(NotFoundError):
        engine.volumes.remove("data")


@pytest.mark.parametrize("name", ["x", "../x", "a/b", "-a", ".a", ""])
def test_names_that_could_be_paths(engine: Engine, name: str) -> None:
    if name:
        with pytest.raises(InvalidInputError):
            engine.volumes.create(name)
    else:
        assert engine.volumes.create(name).anonymous


def test_what_is_not_offered(engine: Engine) -> None:
    with pytest.raises(UnsupportedError, match="volume driver 'nfs'"):
        engine.volumes.create("data", driver="nfs")
    with pytest.raises(UnsupportedError, match="volume option 'o'"):
        engine.volumes.create("data", options={"o": "x"})


def test_a_volume_in_use_stays(engine: Engine, runtime: FakeRuntime) -> None:
    engine.run(box(DATA), NULL)
    request = runtime.requests[-1]
    assert isinstance(request, StartRequest)
    mount = next(one for one in request.spec.mounts if one.destination == "/data")
    assert (mount.type, mount.source) == ("bind", engine.volumes.path("data"))
    with pytest.raises(ConflictError, match="'data' is in use by container"):
        engine.volumes.remove("data")
    assert engine.volumes.prune({"all": ["1"]}) == ([], 0)
    engine.remove("box", force=True)
    assert names(engine) == ["data"]
    assert names(engine, dangling=["true"]) == ["data"]


def test_anonymous_ones_go_when_asked(engine: Engine) -> None:
    engine.create(box(VolumeMount(target="/a"), DATA))
    engine.create(box(VolumeMount(target="/b"), name="other"))
    assert len(names(engine)) == 3
    engine.remove("box", volumes=True)
    assert len(names(engine)) == 2
    engine.remove("other")
    assert len(names(engine)) == 2
    gone, freed = engine.volumes.prune()
    assert (len(gone), freed, names(engine)) == (1, 0, ["data"])


def test_one_that_removes_itself_takes_its_own_along(engine: Engine, runtime: FakeRuntime) -> None:
    running = engine.run(box(VolumeMount(target="/a"), DATA, auto_remove=True), NULL)
    runtime.sessions[engine.settings.state_dir(running.id)].end()
    running.wait()
    assert names(engine) == ["data"]


def test_filters_and_labels(engine: Engine) -> None:
    engine.volumes.create("one", labels={"a": "1"})
    engine.volumes.create("two")
    assert names(engine, label=["a"]) == ["one"]
    assert names(engine, name=["w"]) == ["two"]
    assert names(engine, driver=["local"]) == ["one", "two"]
    with pytest.raises(InvalidInputError, match="invalid filter 'nam'"):
        names(engine, nam=["x"])
    assert engine.volumes.prune({"all": ["1"], "label!": ["a=1"]})[0] == ["two"]


def test_copy_up_happens_once(engine: Engine, layer: Path) -> None:
    (layer / "data/sub").mkdir(parents=True)
    (layer / "data/sub/file").write_text("said")
    engine.create(box(DATA))
    copied = Path(engine.volumes.path("data"), "sub/file")
    assert copied.read_text() == "said"
    copied.unlink()
    engine.create(box(DATA, name="other"))
    assert not copied.exists()
    engine.create(box(VolumeMount(target="/data", name="bare", copy=False), name="third"))
    assert list(Path(engine.volumes.path("bare")).iterdir()) == []


def test_a_link_in_the_image_does_not_lead_out(engine: Engine, layer: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("x")
    (layer / "data").symlink_to(tmp_path / "secret")
    engine.create(box(DATA))
    assert list(Path(engine.volumes.path("data")).iterdir()) == []


def test_what_is_asked_wins_over_others_and_those_over_the_image() -> None:
    other = ContainerConfig(
        image="box",
        binds=(Bind(source="/srv", target="/srv"),),
        volumes=(DATA, VolumeMount(target="/b", name="theirs")),
    )
    asked = ContainerConfig(
        image="box",
        volumes=(VolumeMount(target="/b/", name="mine"),),
        volumes_from=("other:ro",),
        tmpfs=(Tmpfs(target="/t"),),
    )
    found = resolve(asked, ("/t", "/data", "/own"), lambda _: other)
    assert found.binds == (Bind(source="/srv", target="/srv", read_only=True),)
    assert [(one.target, one.name, one.read_only) for one in found.volumes[:2]] == [
        ("/b/", "mine", False),
        ("/data", "data", True),
    ]
    assert [one.target for one in found.volumes[2:]] == ["/own"]
    assert len(found.volumes[2].name) == 64


def test_a_part_of_a_volume(engine: Engine, runtime: FakeRuntime, tmp_path: Path) -> None:
    inside = Path(engine.volumes.create("data").path)
    (inside / "sub").mkdir()
    (inside / "out").symlink_to(tmp_path)
    engine.run(box(VolumeMount(target="/d", name="data", subpath="sub")), NULL)
    request = runtime.requests[-1]
    assert isinstance(request, StartRequest)
    mount = next(one for one in request.spec.mounts if one.destination == "/d")
    assert mount.source == str(inside / "sub")
    for part in ("none", "out"):
        with pytest.raises(InvalidInputError, match=f"'data' has no '{part}'"):
            engine.create(box(VolumeMount(target="/d", name="data", subpath=part), name="x1"))


def test_volumes_of_others_are_named() -> None:
    assert parse_from("web") == ("web", False)
    assert parse_from("web:ro") == ("web", True)
    with pytest.raises(InvalidInputError):
        parse_from(":ro")


def test_two_at_one_place_leave_nothing(engine: Engine, open_engine: Callable[[], Engine]) -> None:
    twice = (DATA, VolumeMount(target="/data", name="more"))
    with pytest.raises(InvalidInputError, match="two mounts are asked for at '/data'"):
        engine.create(box(*twice))
    assert open_engine().list(all=True) == []
