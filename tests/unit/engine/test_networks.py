"""Who is on which network: addresses, ports, and what is given back; no kernel is asked."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.fake_wires import FakeWires
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError
from toolkit.engine import netadmin
from toolkit.engine.config import ContainerConfig
from toolkit.engine.database import Database
from toolkit.engine.netadmin import NetworkConfig
from toolkit.engine.networks import Networks
from toolkit.engine.settings import Settings
from toolkit.net.wiring import Port

A, B = "a" * 64, "b" * 64
BRIDGED = ContainerConfig(network="bridge")


@dataclass(frozen=True, kw_only=True, slots=True)
class Town:
    """Networks, and what lies below them."""

    settings: Settings
    database: Database
    wires: FakeWires
    networks: Networks

    def spans(self) -> list[tuple[int, ...]]:
        return self.database.query("SELECT network, first, last FROM spans ORDER BY 1, 2")

    def create(self, name: str, **asked: object) -> str:
        if "subnet" in asked:
            asked["subnets"] = (asked.pop("subnet"),)
        config = NetworkConfig(name=name, **asked)  # type: ignore[arg-type] # by the test's names
        return netadmin.create(self.networks, self.database, config).bridge.address.subnet


def open_town(settings: Settings, database: Database) -> Town:
    wires = FakeWires()

    def make(lock: str, ruleset: object) -> FakeWires:
        assert lock.startswith(settings.run_root)
        wires.ruleset = ruleset  # type: ignore[assignment] # a function of no arguments
        return wires

    networks = Networks(settings, database, make_wires=make)  # type: ignore[arg-type] # a fake
    return Town(settings=settings, database=database, wires=wires, networks=networks)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    settings = Settings(
        data_root=str(tmp_path), run_root=str(tmp_path / "run"), bridge_address="10.5.0.1/29"
    )
    database = Database(settings.database)
    yield open_town(settings, database)
    database.close()


def test_a_container_gets_the_next_address_and_its_hardware_address(town: Town) -> None:
    one = town.networks.join(A, BRIDGED)
    two = town.networks.join(B, BRIDGED)
    assert (one.first.endpoint.address, one.first.endpoint.mac) == ("10.5.0.2", "02:42:0a:05:00:02")
    assert (two.first.endpoint.address, two.first.endpoint.link) == ("10.5.0.3", "vethbbbbbbbbbbb")
    assert [found.endpoint for found in town.networks.of(A)] == [one.first.endpoint]
    assert [name for name, _ in town.networks.members("bridge")] == [A, B]


def test_what_it_had_is_given_back_once(town: Town) -> None:
    config = ContainerConfig(
        network="bridge", ports=(Port(protocol="udp", host="127.0.0.1", outer=45001, inner=53),)
    )
    attached = town.networks.join(A, config)
    free = town.spans()
    attached.held.close()
    town.networks.leave(A)
    town.networks.leave(A)
    assert town.wires.gone == [attached.first.endpoint]
    assert town.spans() != free
    assert town.networks.of(A) == []
    again = town.networks.join(B, config)
    again.held.close()
    assert again.first.endpoint.ports == config.ports


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"ip": "10.5.0.1"}, ConflictError, "taken by the bridge itself"),
        ({"ip": "10.5.0.2"}, ConflictError, "taken by container aaaaaaaaaaaa"),
        ({"ip": "10.5.0.7"}, InvalidInputError, "no address for a container"),
        ({"ip": "10.6.0.2"}, InvalidInputError, "no address for a container"),
        ({"mac_address": "02:42:0A:05:00:02"}, ConflictError, "hardware address .* is taken"),
        ({"mac_address": "02:42:0a:05:00"}, InvalidInputError, "no hardware address"),
        ({"mac_address": "00:00:00:00:00:00"}, InvalidInputError, "not the address of one"),
        ({"network": "nowhere"}, NotFoundError, "no such network: 'nowhere'"),
    ],
)
def test_what_cannot_be_had_takes_nothing(
    town: Town, asked: dict[str, str], kind: type[Exception], message: str
) -> None:
    town.networks.join(A, BRIDGED)
    before = town.spans()
    with pytest.raises(kind, match=message):
        town.networks.join(B, ContainerConfig(**{"network": "bridge", **asked}))  # type: ignore[arg-type] # texts
    assert town.spans() == before
    assert town.networks.of(B) == []


def test_an_exhausted_network_says_so(town: Town) -> None:
    for letter in "abcde":
        town.networks.join(letter * 64, BRIDGED)
    with pytest.raises(ConflictError, match=r"no free address in 10\.5\.0\.0/29"):
        town.networks.join("f" * 64, BRIDGED)


def test_a_new_bridge_counts_once_nobody_is_on_the_old_one(town: Town) -> None:
    town.networks.join(A, BRIDGED)
    other = Settings(
        data_root=town.settings.data_root, run_root=town.settings.run_root, bridge="br9"
    )
    moved = open_town(other, town.database)
    with pytest.raises(ConflictError, match="the default bridge is 'bridge0' with"):
        moved.networks.join(B, BRIDGED)
    moved.networks.leave(A)
    assert moved.networks.join(B, BRIDGED).first.endpoint.address == "192.168.5.2"


@dataclass(kw_only=True, slots=True)
class Look:
    """What tidying sees: ``status`` of every container, empty where it is over."""

    status: str = ""
    cleaned: list[str]

    def state(self, container: str) -> object:
        return (
            type("State", (), {"status": self.status, "id": container, "pid": 0})
            if self.status
            else None
        )

    def clean(self, container: str) -> None:
        self.cleaned.append(container)

    def shared_stack(self, container: str) -> str:
        return container[:0]


@pytest.mark.parametrize(
    ("owner", "status", "stays", "cleaned"),
    [
        ("", "", False, []),  # it ran, and both it and its wire are gone
        ("", "running", True, []),  # somebody took its wire away
        ("1:1", "", False, []),  # its command was killed before it was made
        ("1:1", "created", False, [A]),  # and after: it would wait for ever
        ("1:1", "running", False, []),  # while it was connected to it, and ran already
    ],
)
def test_tidying_finds_what_nobody_gave_back(
    town: Town, owner: str, status: str, cleaned: list[str], *, stays: bool
) -> None:
    town.networks.join(A, BRIDGED)
    town.database.query("UPDATE endpoints SET owner=?", owner)
    look = Look(status=status, cleaned=[])
    town.networks.tidy(look)  # type: ignore[arg-type] # it sees only what it needs
    assert bool(town.networks.of(A)) is stays
    assert look.cleaned == cleaned


def test_what_is_being_made_is_left_alone(town: Town) -> None:
    town.networks.join(A, BRIDGED)
    town.networks.tidy(Look(cleaned=[]))  # type: ignore[arg-type] # as above
    assert town.networks.of(A)
    town.networks.joined(A)
    town.networks.tidy(Look(cleaned=[]))  # type: ignore[arg-type] # as above
    assert not town.networks.of(A)


def test_all_rules_name_all_containers(town: Town) -> None:
    town.networks.join(A, BRIDGED)
    town.create("mine", subnet="10.9.0.0/24", internal=True)
    town.networks.join(B, ContainerConfig(network="mine"))
    town.networks.reload()
    for expected in ("10.5.0.2", "10.9.0.2", "vethaaaaaaaaaaa", 'oifname != "bridge0"'):
        assert expected in town.wires.rules


def test_networks_come_and_go(town: Town) -> None:
    assert town.create("mine", subnet="10.9.0.0/24", link="own0") == "10.9.0.0/24"
    assert town.wires.bridges == ["own0"]
    town.networks.join(A, ContainerConfig(network="mine"))
    with pytest.raises(ConflictError, match="network 'mine' has 1 containers"):
        netadmin.remove(town.networks, town.database, "mine")
    town.networks.leave(A)
    assert netadmin.remove(town.networks, town.database, "mine") == "mine"
    assert town.wires.bridges == []
    assert town.spans() == []


def test_subnets_are_chosen_apart_from_each_other(town: Town) -> None:
    chosen = {town.create(f"net{number}") for number in range(20)}
    assert len(chosen) == 20
    with pytest.raises(ConflictError, match="no subnet is free"):  # Docker's pools have an end
        deque(map(town.create, (f"net{number}" for number in range(20, 40))), maxlen=0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": "mine"}, "there is a network 'mine' already"),
        ({"name": "x", "subnet": "10.9.0.128/25"}, "overlaps 10.9.0.0/24 of network 'mine'"),
        ({"name": "x", "subnet": "10.8.0.0/24", "link": "own0"}, "is another network's"),
        ({"name": "x", "subnet": "10.8.0.0/24", "link": 'a"b'}, "no name for a bridge"),
        ({"name": "container"}, "is built in"),
        ({"name": "-x"}, "no name for a network"),
    ],
)
def test_networks_that_cannot_be_leave_nothing(
    town: Town, asked: dict[str, str], message: str
) -> None:
    town.create("mine", subnet="10.9.0.0/24", link="own0")
    before = town.spans()
    with pytest.raises(ToolkitError, match=message):
        town.create(**asked)
    assert town.spans() == before


def test_a_bridge_that_cannot_be_made_leaves_no_network(town: Town) -> None:
    town.wires.failure = ConflictError("the subnet is taken")
    with pytest.raises(ConflictError, match="the subnet is taken"):
        town.create("mine")
    assert town.networks.table.all() == []
    assert town.spans() == []


def test_a_network_is_found_by_name_or_id(town: Town) -> None:
    town.create("mine")
    made = town.networks.table.find("mine")
    assert town.networks.table.find(made.id) == made
    with pytest.raises(NotFoundError, match="no such network") as caught:
        town.networks.table.find("mime")
    assert "mine" in caught.value.hint


def steps(database: Database, action: Callable[[], object]) -> int:
    """How much SQLite's machine works for something, in hundreds of its instructions."""
    count = 0

    def one() -> int:
        nonlocal count
        count += 1
        return 0

    database._db.set_progress_handler(one, 100)
    action()
    database._db.set_progress_handler(None, 100)
    return count


def test_a_start_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    settings = Settings(
        data_root=str(tmp_path), run_root=str(tmp_path), bridge_address="10.9.0.1/16"
    )
    database = Database(settings.database)
    networks = open_town(settings, database).networks
    port = Port(protocol="udp", host="127.0.0.1", outer=45021, inner=53)
    config = ContainerConfig(network="bridge", ports=(port,))

    def cycle() -> None:
        networks.join(A, config).held.close()
        networks.joined(A)
        networks.leave(A)

    cycle()
    alone = steps(database, cycle)
    for number in range(2000):
        networks.join(f"{number:011d}".ljust(64, "0"), BRIDGED)
    for number in range(0, 2000, 2):  # every second one goes: the pool is in a thousand pieces
        networks.leave(f"{number:011d}".ljust(64, "0"))
    assert steps(database, cycle) <= 2 * alone + 10
    database.close()
