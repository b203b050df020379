"""Published ports: how they are written, and whom they belong to."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.engine import ports
from toolkit.engine.database import Database
from toolkit.net.holding import Held
from toolkit.net.wiring import Port


def port(outer: int, inner: int = 80, *, host: str = "", protocol: str = "tcp") -> Port:
    return Port(protocol=protocol, host=host, outer=outer, inner=inner)


def take(database: Database, container: str, asked: tuple[Port, ...]) -> tuple[Port, ...]:
    held = Held()
    try:
        return ports.take(database, container, asked, held)
    finally:
        held.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", (port(0),)),
        ("8080:80", (port(8080),)),
        ("8080:80/UDP", (port(8080, protocol="udp"),)),
        ("127.0.0.1:8080:80", (port(8080, host="127.0.0.1"),)),
        ("0.0.0.0:8080:80", (port(8080, host="0.0.0.0"),)),
        ("[::1]:8080:80", (port(8080, host="::1"),)),
        ("[FD00::0:1]:8080:80", (port(8080, host="fd00::1"),)),
        ("8000-8009:80", (Port(protocol="tcp", host="", outer=8000, inner=80, last=8009),)),
        ("127.0.0.1::80", (port(0, host="127.0.0.1"),)),
        ("8000-8001:80-81", (port(8000, 80), port(8001, 81))),
        ("80-81", (port(0, 80), port(0, 81))),
    ],
)
def test_dockers_spelling(text: str, expected: tuple[Port, ...]) -> None:
    assert ports.parse_publish(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no port"),
        ("x:80", "'x' is no port"),
        ("65536:80", "'65536' is no port"),
        ("8080:0", "no port 0"),
        ("8080:80/icmp", "'icmp' is none of tcp, udp, sctp"),
        ("8000-8002:80-81", "differ in length"),
        ("8001-8000:80", "goes backwards"),
        ("localhost:80:80", "'localhost' is no IPv4 address"),
        ("[::1:80:80", "the address is not closed"),
        ("[x]:80:80", "'x' is no IPv6 address"),
        ("1:2:3:4", "is not"),
    ],
)
def test_faults_are_told(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ports.parse_publish(text)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.mark.parametrize(("first", "second"), [("", ""), ("", "127.0.0.1"), ("127.0.0.1", "")])
def test_a_port_belongs_to_one_container(database: Database, first: str, second: str) -> None:
    number = free_port()
    take(database, "a" * 64, (port(number, host=first),))
    with pytest.raises(ConflictError, match="is taken by container aaaaaaaaaaaa"):
        take(database, "b" * 64, (port(number, host=second),))


def test_one_port_on_two_addresses_is_two(database: Database) -> None:
    number = free_port()
    take(database, "a" * 64, (port(number, host="127.0.0.1"),))
    take(database, "b" * 64, (port(number, host="127.0.0.2"),))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_of_a_program_is_taken(database: Database, protocol: str) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            other.listen()
        number = other.getsockname()[1]
        with pytest.raises(ConflictError, match="is taken by a program of this host"):
            take(database, "a" * 64, (port(number, protocol=protocol),))


def test_an_address_that_the_host_lacks(database: Database) -> None:
    with pytest.raises(ConflictError, match="this host does not have the address"):
        take(database, "a" * 64, (port(free_port(), host="192.0.2.1"),))


def test_any_port_is_a_free_one_of_the_kernels_range(database: Database) -> None:
    one, two = take(database, "a" * 64, (port(0), port(0, 81)))
    assert ports.ANY_FIRST <= one.outer < two.outer <= ports.ANY_LAST
    assert ports.shown(one)[0] == f"0.0.0.0:{one.outer}"
