"""Who is told of whom: by the server of a network, or by a line in a hosts file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.fake_servers import FakeServers
from support.fake_wires import FakeWires
from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError
from toolkit.engine import netadmin, netfiles
from toolkit.engine.config import Attach, ContainerConfig
from toolkit.engine.database import READY, Database, Row
from toolkit.engine.netadmin import NetworkConfig
from toolkit.engine.netfiles import Names, Place
from toolkit.engine.networks import Networks
from toolkit.engine.settings import Settings
from toolkit.engine.stored import PlainImage, Stored, dump
from toolkit.oci.image import ImageConfig

A, B, C = "a" * 64, "b" * 64, "c" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Street:
    """Two networks of names, ``left`` and ``right``, and an internal one."""

    settings: Settings
    database: Database
    servers: FakeServers
    networks: Networks

    def join(self, identity: str, name: str, *networks: str, **more: object) -> Place:
        """A container on networks, as its start does it; what its files say."""
        config = ContainerConfig(
            network=networks[0],
            attach=tuple(Attach(network=one) for one in networks[1:]),
            **more,  # type: ignore[arg-type] # by the test's names
        )
        image = PlainImage(lower=("/",), config=ImageConfig(cmd=("sh",), labels={}))
        stored = dump(Stored(config=config, image=image))
        row = Row(id=identity, name=name, image="box", config=stored, created=1.0, phase=READY,
                  owner="", auto_remove=False)  # fmt: skip
        self.database.insert(row)
        joined = self.networks.join(identity, config)
        place = self.networks.naming.place(identity, config, joined.attachments)
        folder = Path(self.settings.container_dir(identity))
        folder.mkdir(parents=True)
        netfiles.write(str(folder), Names(hostname=name, place=place))
        joined.held.close()
        names = [one.network.name for one in joined.attachments]
        self.networks.naming.changed(names, but=identity)
        return place

    def hosts(self, identity: str) -> list[str]:
        """The names that a container's file tells of others."""
        text = Path(self.settings.container_dir(identity), "hosts").read_text()
        _, _, told = text.partition("# who else is there\n")
        return [line.split()[1] for line in told.splitlines()[:-1]]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    settings = Settings(data_root=str(tmp_path), run_root=str(tmp_path / "run"))
    database, servers = Database(settings.database), FakeServers()
    networks = Networks(
        settings,
        database,
        make_wires=lambda *_: FakeWires(),  # type: ignore[arg-type] # a fake
        make_servers=lambda _: servers,  # type: ignore[arg-type,return-value] # a fake
    )
    for name, subnet in (("left", "10.50.0.0/24"), ("right", "10.60.0.0/24")):
        netadmin.create(networks, database, NetworkConfig(name=name, subnets=(subnet,)))
    inner = NetworkConfig(name="inner", subnets=("10.70.0.0/24",), internal=True)
    netadmin.create(networks, database, inner)
    yield Street(settings=settings, database=database, servers=servers, networks=networks)
    database.close()


def test_a_server_comes_with_the_first_and_goes_with_the_last(street: Street) -> None:
    place = street.join(A, "one", "left", aliases=("web", "one"))
    assert place == Place(
        addresses=("10.50.0.2",), gateway="10.50.0.1", server="10.50.0.1", peers=()
    )
    street.join(B, "two", "left")
    assert street.servers.told == {
        "left": [
            f"10.50.0.2\tone one.left web web.left {A[:12]}",
            f"10.50.0.3\ttwo two.left {B[:12]}",
        ]
    }
    assert street.servers.started == ["left at 10.50.0.1"]
    street.networks.leave(A)
    street.networks.leave(B)
    assert street.servers.told == {}


def test_the_default_bridge_has_no_names(street: Street) -> None:
    assert street.join(A, "one", "bridge").server == ""
    assert street.join(B, "two", "bridge").peers == ()
    assert street.servers.started == []


def test_of_several_networks_the_first_that_leads_outside_is_asked(street: Street) -> None:
    street.join(A, "one", "inner")
    street.join(B, "two", "right")
    place = street.join(C, "both", "inner", "right")
    assert place.server == "10.60.0.1"
    assert [line.split()[1] for line in place.peers] == ["one"]
    street.networks.leave(A)
    assert street.hosts(C) == []


def test_who_is_told_to_ask_another_finds_names_in_its_file(street: Street) -> None:
    street.join(A, "one", "left")
    place = street.join(B, "two", "left", dns=("9.9.9.9",))
    assert (place.server, [line.split()[0] for line in place.peers]) == ("", ["10.50.0.2"])
    street.join(C, "three", "left")
    assert street.hosts(B) == ["one", "three"]


def test_without_dnsmasq_all_stand_in_files(street: Street) -> None:
    street.servers.installed = False
    street.join(A, "one", "left")
    street.join(B, "two", "left")
    assert street.hosts(A) == ["two"]
    assert street.hosts(B) == ["one"]
    assert street.servers.started == []


def test_a_link_is_to_somebody_who_is_there(street: Street) -> None:
    street.join(A, "db", "bridge")
    place = street.join(B, "web", "bridge", links=("db:store",))
    assert place.peers == (f"192.168.5.2\tstore {A[:12]} db",)
    with pytest.raises(NotFoundError):
        street.join(C, "x", "bridge", links=("nobody:x",))
    with pytest.raises(ConflictError, match="cannot link to 'db'"):
        street.join("d" * 64, "y", "left", links=("db:store",))


def test_a_server_that_cannot_start_stops_a_start_and_nothing_else(street: Street) -> None:
    street.servers.failure = ToolkitError("port 53 is taken")
    with pytest.raises(ToolkitError, match="port 53"):
        street.join(A, "one", "left")
    street.networks.naming.revive()
    street.networks.leave(A)
    assert street.networks.of(A) == []


def test_reviving_starts_what_was_ended_and_ends_what_is_nobodys(street: Street) -> None:
    street.join(A, "one", "left")
    street.servers.told.clear()
    street.servers.left = ["right", "gone"]
    street.networks.naming.revive()
    assert list(street.servers.told) == ["left"]
    assert street.servers.left == []
