"""What the desk of networks does for containers that run, and for those that do not."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.fake_servers import FakeServers
from support.fake_wires import FakeWires
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.engine import netfiles
from toolkit.engine.choices import choices
from toolkit.engine.config import Attach, ContainerConfig
from toolkit.engine.database import READY, Database, Row
from toolkit.engine.events import EventLog
from toolkit.engine.netadmin import NetworkConfig
from toolkit.engine.netdesk import NetworkDesk
from toolkit.engine.netfiles import Names
from toolkit.engine.networks import Networks
from toolkit.engine.settings import Settings
from toolkit.engine.stored import PlainImage, Stored, dump, load
from toolkit.net.wiring import Port
from toolkit.oci.image import ImageConfig

WEB = "a" * 64
PORTS = (Port(protocol="tcp", host="127.0.0.1", outer=45011, inner=80),)


@dataclass(kw_only=True, slots=True)
class Watch:
    """Which containers run: ``pid`` of each."""

    pids: dict[str, int] = field(default_factory=dict)

    def state(self, container: str) -> object:
        pid = self.pids.get(container)
        return type("State", (), {"pid": pid, "status": "running"}) if pid else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """A desk with the networks ``left`` and ``inner``, which is internal."""

    desk: NetworkDesk
    database: Database
    networks: Networks
    wires: FakeWires
    watch: Watch
    settings: Settings

    def make(self, network: str = "bridge", *, runs: bool, ports: tuple[Port, ...] = ()) -> None:
        """The container ``web``."""
        config = ContainerConfig(network=network, ports=ports)
        image = PlainImage(lower=("/",), config=ImageConfig(cmd=("sh",), labels={}))
        stored = dump(Stored(config=config, image=image))
        self.database.insert(
            Row(id=WEB, name="web", image="box", config=stored, created=1.0, phase=READY,
                owner="", auto_remove=False)
        )  # fmt: skip
        folder = Path(self.settings.container_dir(WEB))
        folder.mkdir(parents=True)
        netfiles.write(str(folder), Names(hostname="web"))
        if runs:
            self.watch.pids[WEB] = os.getpid()
            if choices(config):
                self.networks.join(WEB, config).held.close()
                self.networks.joined(WEB)

    def config(self) -> ContainerConfig:
        return load(self.database.find("web").config).config

    def places(self) -> dict[str, str]:
        return {one.network.name: one.endpoint.address for one in self.networks.of(WEB)}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(data_root=str(tmp_path), run_root=str(tmp_path / "run"))
    database, wires, watch = Database(settings.database), FakeWires(), Watch()
    networks = Networks(
        settings,
        database,
        make_wires=lambda *_: wires,  # type: ignore[arg-type] # a fake
        make_servers=lambda _: FakeServers(),  # type: ignore[arg-type,return-value] # a fake
    )
    events = EventLog(settings.run_root)
    desk = NetworkDesk(networks, database, watch, events)  # type: ignore[arg-type] # what it needs
    desk.create(NetworkConfig(name="left", subnets=("10.50.0.0/24",)))
    desk.create(NetworkConfig(name="inner", subnets=("10.70.0.0/24",), internal=True))
    yield Office(
        desk=desk, database=database, networks=networks, wires=wires, watch=watch, settings=settings
    )
    database.close()


def test_all_networks_are_shown_the_default_one_too(office: Office) -> None:
    assert [one.name for one in office.desk.networks()] == ["bridge", "inner", "left"]
    assert office.desk.remove("inner") == "inner"
    assert office.desk.prune() == ["left"]
    with pytest.raises(ConflictError, match="built in"):
        office.desk.remove("bridge")
    with pytest.raises(NotFoundError):
        office.desk.remove("left")


def test_one_that_runs_is_connected_at_once(office: Office) -> None:
    office.make(runs=True)
    office.desk.connect("left", "web", Attach(network="", ip="10.50.0.9", aliases=("w",)))
    assert office.places() == {"bridge": "192.168.5.2", "left": "10.50.0.9"}
    assert office.wires.wires[-1].namespace == f"/proc/{os.getpid()}/ns/net"
    network, members = office.desk.inspect("left")
    assert [(one.name, place.aliases) for _, one, place in [
        (identity, network, place) for identity, _, place in members
    ]] == [("left", ("w",))]  # fmt: skip
    hosts = Path(office.settings.container_dir(WEB), "hosts").read_text()
    assert "10.50.0.9\tweb" in hosts
    resolver = Path(office.settings.container_dir(WEB), "resolv.conf").read_text()
    assert resolver.endswith("nameserver 10.50.0.1\n")


def test_one_that_does_not_run_is_connected_at_its_start(office: Office) -> None:
    office.make(runs=False)
    office.desk.connect("left", "web", Attach(network=""))
    assert office.places() == {}
    assert [one.network for one in choices(office.config())] == ["bridge", "left"]
    office.desk.disconnect("bridge", "web")
    assert [one.network for one in choices(office.config())] == ["left"]


def test_what_leads_outside_moves_with_the_network(office: Office) -> None:
    office.make(runs=True, ports=PORTS)
    office.desk.connect("left", "web", Attach(network=""))
    office.desk.disconnect("bridge", "web")
    assert office.places() == {"left": "10.50.0.2"}
    assert [one.ports for one in office.wires.admitted] == [PORTS]
    assert office.wires.routes == [
        f"/proc/{os.getpid()}/ns/net 10.50.0.2 {office.wires.bridges[0]}"
    ]
    office.networks.leave(WEB)


@pytest.mark.parametrize(
    ("mode", "network", "kind", "message"),
    [
        ("bridge", "bridge", InvalidInputError, "is asked for twice"),
        ("none", "left", ConflictError, "a container with --network none joins no other"),
        ("host", "left", ConflictError, "a container with --network host joins no other"),
        ("bridge", "nowhere", NotFoundError, "no such network"),
    ],
)
def test_what_cannot_be_connected_changes_nothing(
    office: Office, mode: str, network: str, kind: type[Exception], message: str
) -> None:
    office.make(mode, runs=True)
    before = office.config(), office.places()
    with pytest.raises(kind, match=message):
        office.desk.connect(network, "web", Attach(network=""))
    assert (office.config(), office.places()) == before


def test_a_wire_that_cannot_be_laid_leaves_the_container_as_it_was(office: Office) -> None:
    office.make(runs=True)
    before = office.config(), office.places()
    office.wires.failure = ConflictError("the subnet is taken")
    with pytest.raises(ConflictError, match="the subnet is taken"):
        office.desk.connect("left", "web", Attach(network=""))
    assert (office.config(), office.places()) == before


def test_only_what_runs_is_exposed(office: Office) -> None:
    office.make(runs=False)
    with pytest.raises(ConflictError, match="'web' is not running"):
        office.desk.expose("web")
