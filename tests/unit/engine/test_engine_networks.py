"""What an engine does around a start on a network, and after its end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fake_runtime import FakeRuntime
from support.fake_wires import FakeWires
from toolkit.core.errors import ConflictError, UnavailableError
from toolkit.engine.config import ContainerConfig
from toolkit.engine.database import Database
from toolkit.engine.engine import Engine
from toolkit.engine.networks import Networks
from toolkit.engine.settings import Settings
from toolkit.engine.stored import PlainImage
from toolkit.oci.image import ImageConfig
from toolkit.runtime.client import StartError
from toolkit.runtime.request import StartRequest

NULL = (0, 1, 2)
BOX = ContainerConfig(image="box", name="box", network="bridge", detach=True)


@pytest.fixture
def wires() -> FakeWires:
    return FakeWires()


@pytest.fixture
def engine(
    settings: Settings, runtime: FakeRuntime, layer: Path, wires: FakeWires
) -> Iterator[Engine]:
    def networks(settings: Settings, database: Database) -> Networks:
        return Networks(settings, database, make_wires=lambda *_: wires)  # type: ignore[arg-type] # a fake

    image = PlainImage(lower=(str(layer),), config=ImageConfig(cmd=("sh",), labels={}))
    made = Engine(settings, lambda: runtime, lambda _: image, kernel=runtime, networks=networks)
    yield made
    made.close()


def request(runtime: FakeRuntime) -> StartRequest:
    found = runtime.requests[-1]
    assert isinstance(found, StartRequest)
    return found


def test_a_container_is_held_until_its_wire_is_laid(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    running = engine.run(BOX, NULL)
    assert request(runtime).hold
    (wire,) = wires.wires
    assert wire.namespace == f"/proc/{os.getpid()}/ns/net"
    assert runtime.sessions[request(runtime).state_dir].begun
    hosts = Path(engine.settings.container_dir(running.id), "hosts").read_text()
    assert hosts.endswith(f"192.168.5.2\t{running.id[:12]}\n")
    (place,) = engine.inspect("box").networks
    assert place.endpoint.address == "192.168.5.2"


def test_without_a_bridge_nothing_is_held_or_laid(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    engine.run(ContainerConfig(image="box"), NULL)
    assert not request(runtime).hold
    assert wires.wires == []


def test_a_wire_that_cannot_be_laid_leaves_nothing(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    wires.failure = ConflictError("the subnet is taken")
    with pytest.raises(ConflictError, match="the subnet is taken"):
        engine.run(BOX, NULL)
    assert engine.list(all=True) == []
    assert runtime.states == {}
    assert [one.link for one in wires.gone] == [wires.wires[0].endpoint.link]


def test_a_program_that_is_not_there_gives_the_address_back(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    runtime.failure = StartError("no such program", status=127)
    with pytest.raises(StartError):
        engine.run(BOX, NULL)
    assert wires.wires[0].abandoned
    assert len(wires.gone) == 1


def test_whoever_waits_gives_the_address_back(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    running = engine.run(BOX, NULL)
    runtime.sessions[request(runtime).state_dir].end(3)
    assert running.wait() == 3
    assert len(wires.gone) == 1
    assert engine.inspect("box").networks == ()


@pytest.mark.parametrize("how", ["stop", "remove"])
def test_whoever_ends_it_gives_the_address_back(engine: Engine, wires: FakeWires, how: str) -> None:
    engine.run(BOX, NULL)
    if how == "stop":
        engine.stop("box")
    else:
        engine.remove("box", force=True)
    assert len(wires.gone) == 1


def test_a_shared_stack_is_named_by_id_and_joined(engine: Engine, runtime: FakeRuntime) -> None:
    other = engine.run(BOX, NULL)
    first = engine.run(ContainerConfig(image="box", name="in1", network="container:box"), NULL)
    second = ContainerConfig(image="box", name="in2", network=f"container:{first.id[:9]}")
    engine.run(second, NULL)
    assert engine.inspect("in2").config.network == f"container:{other.id}"
    spaces = {one.type: one.path for one in request(runtime).spec.linux.namespaces}
    assert spaces["network"] == f"/proc/{os.getpid()}/ns/net"
    assert request(runtime).spec.hostname == other.id[:12]
    files = {one.destination: one.source for one in request(runtime).spec.mounts}
    assert files["/etc/hosts"] == f"{engine.settings.container_dir(other.id)}/hosts"


def test_a_shared_stack_keeps_its_address_until_its_owner_returns(
    engine: Engine, runtime: FakeRuntime, wires: FakeWires
) -> None:
    engine.run(BOX, NULL)
    engine.run(ContainerConfig(image="box", name="beside", network="container:box"), NULL)
    engine.stop("box")
    assert wires.gone == []
    engine.start("box")
    assert not request(runtime).hold
    spaces = {one.type: one.path for one in request(runtime).spec.linux.namespaces}
    assert spaces["network"] == f"/proc/{os.getpid()}/ns/net"
    assert len(wires.wires) == 1


def test_a_killed_container_that_starts_again_is_wired_anew(
    engine: Engine, wires: FakeWires
) -> None:
    engine.run(BOX, NULL)
    engine.kill("box")
    engine.start("box")
    assert len(wires.wires) == 2
    assert len(wires.gone) == 1


def test_two_containers_are_linked(engine: Engine, wires: FakeWires) -> None:
    engine.run(ContainerConfig(image="box", name="one"), NULL)
    engine.run(ContainerConfig(image="box", name="bare", network="host"), NULL)
    with pytest.raises(ConflictError, match="'bare' is on the host's own network"):
        engine.link(("one", "bare"))
    engine.link(("one", "one"), ("10.0.0.1", ""))
    assert wires.bridges == [f"{(f'/proc/{os.getpid()}/ns/net',) * 2} ('10.0.0.1', '')"]


def test_the_helper_is_let_go(engine: Engine, wires: FakeWires) -> None:
    engine.run(BOX, NULL)
    wires.failure = UnavailableError("gone")
    engine.close()
    assert wires.closed
