"""Who reaches a container from where: one table for every vantage point and way of publishing."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.dock import Dock
from support.lan import HOST, TO_PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

PLACES = ("host", "neighbour", "second", "peer")
# who may, by how the port is published, and by which of the host's addresses
REACHED = {
    "8080:80": {HOST: PLACES, TO_PEER: PLACES, "127.0.0.1": ("host",)},
    f"{HOST}:8080:80": {HOST: PLACES, TO_PEER: (), "127.0.0.1": ()},
    "127.0.0.1:8080:80": {HOST: (), TO_PEER: (), "127.0.0.1": ("host",)},
}


def reaching(
    dock: Dock, asked: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, ...]]:
    """Who gets an answer there; all of them ask at once, since most will wait for none."""

    def answered(place: str, address: str, port: int) -> bool:
        found: str = getattr(dock.lan, place).ask(address, port)
        return found != "nothing"

    with ThreadPoolExecutor(max_workers=20) as pool:
        running = {
            (one, place): pool.submit(answered, place, *one) for one in asked for place in PLACES
        }
        return {one: tuple(p for p in PLACES if running[one, p].result()) for one in asked}


@pytest.mark.parametrize("published", REACHED)
def test_a_published_port(dock: Dock, published: str) -> None:
    dock("network", "create", "mine")
    inside = dock.serve("web", "--network", "mine", "-p", published, ports=(80, 81))
    dock.serve("beside", "--network", "mine")
    dock.serve("elsewhere")
    asked = {(address, 8080): who for address, who in REACHED[published].items()}
    # The container's own address is the host's and its network's, whatever is published.
    asked |= {(inside, port): ("host",) for port in (80, 81)}
    assert reaching(dock, asked) == asked
    for port in (80, 81):
        assert dock.ask("beside", inside, port) != "nothing"
        assert dock.ask("elsewhere", inside, port) == "nothing"
    for name in ("web", "beside", "elsewhere"):
        reached = dock.ask(name, HOST, 8080) != "nothing"
        assert reached == bool(REACHED[published][HOST]), name


def test_what_is_not_published_is_nobodys(dock: Dock) -> None:
    inside = dock.serve("web")
    dock("network", "create", "mine")
    dock("network", "create", "--internal", "inner")
    others = [dock.serve(name, "--network", name) for name in ("mine", "inner")]
    asked = [(address, 80) for address in (inside, *others)]
    assert set(reaching(dock, asked).values()) == {("host",)}
    for name in PLACES[1:]:
        assert getattr(dock.lan, name).ask(inside, 80, protocol="udp", wait=0.5) == "nothing"
    assert dock.ask("mine", inside, 80) == "nothing"
    assert dock.ask("inner", inside, 80) == "nothing"
    assert dock.ask("web", others[0], 80) == "nothing"


def test_a_neighbour_that_speaks_in_the_name_of_a_container_is_not_believed(dock: Dock) -> None:
    """A packet from outside with a container's source address is answered to the container."""
    inside = dock.serve("web", "-p", "8080:80")
    other = dock.serve("other")
    second = dock.lan.second
    second.run("ip", "address", "add", f"{other}/32", "dev", "eth0")
    second.run("ip", "route", "add", f"{inside}/32", "via", HOST, "src", other)
    assert second.ask(inside, 80) == "nothing"
    assert dock.ask("other", inside, 80) == other
