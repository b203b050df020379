"""What a container reads of its names and of whom to ask for others."""

from pathlib import Path

import pytest

from toolkit.engine import netfiles
from toolkit.engine.netfiles import Names, Place

HOST = "nameserver 127.0.0.53\nnameserver 9.9.9.9\nnameserver ::1\nsearch lan\noptions rotate\n"
PLACE = Place(addresses=("192.168.5.2",), gateway="192.168.5.1")


def test_private_files(tmp_path: Path) -> None:
    made = netfiles.write(str(tmp_path), Names(hostname="web"))
    assert made == netfiles.paths(str(tmp_path))
    assert dict(made)["/etc/hostname"] == f"{tmp_path}/hostname"
    assert (tmp_path / "hostname").read_text() == "web\n"
    assert "127.0.0.1\tlocalhost" in (tmp_path / "hosts").read_text()


def test_loopback_resolvers_are_for_the_hosts_network_only() -> None:
    kept = "nameserver 9.9.9.9\nsearch lan\noptions rotate\n"
    assert netfiles.resolver(Names(hostname="x", host_network=True), HOST) == HOST
    assert netfiles.resolver(Names(hostname="x"), HOST) == kept


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"dns": ("10.0.0.1",)}, "search lan\noptions rotate\nnameserver 10.0.0.1\n"),
        ({"dns_search": ("a", "b")}, "nameserver 9.9.9.9\noptions rotate\nsearch a b\n"),
        ({"dns_search": (".",)}, "nameserver 9.9.9.9\noptions rotate\n"),
        ({"dns_options": ("ndots:2",)}, "nameserver 9.9.9.9\nsearch lan\noptions ndots:2\n"),
    ],
)
def test_what_is_asked_takes_the_place_of_the_hosts(
    asked: dict[str, tuple[str, ...]], expected: str
) -> None:
    assert netfiles.resolver(Names(hostname="x", **asked), HOST) == expected  # type: ignore[arg-type] # only tuples


def test_a_host_without_a_server_to_reach_gives_dockers() -> None:
    text = "nameserver 127.0.0.1\n"
    bridged = netfiles.resolver(Names(hostname="x", place=PLACE), text)
    assert bridged == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"
    assert netfiles.resolver(Names(hostname="x"), text) == ""


def test_hosts_end_with_the_container_itself() -> None:
    names = Names(
        hostname="web.lan", place=PLACE, add_hosts=("db:10.0.0.5", "outside:host-gateway")
    )
    assert netfiles.hosts(names, "127.0.0.1\tlocalhost\n").splitlines() == [
        "127.0.0.1\tlocalhost",
        "10.0.0.5\tdb",
        "192.168.5.1\toutside",
        "192.168.5.2\tweb.lan web",
    ]


def test_a_container_without_an_address_is_not_in_its_hosts() -> None:
    assert netfiles.hosts(Names(hostname="web"), "") == ""
    assert netfiles.hosts(Names(hostname="web", add_hosts=("v6:::1",)), "") == "::1\tv6\n"
