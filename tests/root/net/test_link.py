"""Two containers joined by one wire, without a bridge."""

import pytest

from support.dock import Dock

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]


def test_a_wire_between_two(dock: Dock) -> None:
    for name in ("one", "two", "three"):
        dock.serve(name, "--network", "none")
    dock("network", "link", "one", "two")
    assert dock("exec", "one", "ip", "-4", "-br", "address").split()[-1] == "10.1.1.1/32"
    assert dock("exec", "one", "ip", "route").split()[:3] == ["10.1.1.2", "dev", "eth0"]
    assert dock.ask("one", "10.1.1.2", 80) == "10.1.1.1"
    assert dock.ask("two", "10.1.1.1", 80) == "10.1.1.2"
    assert "inet6" not in dock("exec", "one", "ip", "address", "show", "dev", "eth0")
    dock("network", "link", "--a", "10.9.0.1/32", "--b", "10.9.0.2", "two", "three")
    assert dock.ask("two", "10.9.0.2", 80) == "10.9.0.1"
    assert dock.ask("three", "10.1.1.1", 80) == "nothing"
    assert dock.links() == set()
    dock("rm", "-f", "two")
    assert "eth" not in dock("exec", "one", "ip", "-br", "link")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("one", "one"), "share one network already"),
        (("one", "bare"), "container 'bare' is on the host's own network"),
        (("one", "nobody"), "no such container: 'nobody'"),
        (("--a", "10.1.1.1", "--b", "10.1.1.1", "one", "two"), "the address 10.1.1.1 is taken"),
        (("--a", "x", "one", "two"), "a: 'x' is no IPv4 address"),
    ],
)
def test_links_that_cannot_be(dock: Dock, words: tuple[str, ...], message: str) -> None:
    for name, network in (("one", "none"), ("two", "none"), ("bare", "host")):
        dock("run", "-d", "--name", name, "--network", network, "host", "sleep", "60")
    done = dock.lan.host.run(*dock.entry, "network", "link", *words, check=False)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "eth" not in dock("exec", "one", "ip", "-br", "link")
