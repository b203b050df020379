"""What is kept of name servers; that they answer is tried in tests/root/net."""

import threading
from pathlib import Path

import pytest

from toolkit.core.errors import UnsupportedError
from toolkit.net.ipv4 import parse_interface
from toolkit.net.programs import find
from toolkit.net.servers import Servers
from toolkit.net.wiring import Bridge


def test_nothing_is_kept_of_a_network_without_names(tmp_path: Path) -> None:
    servers = Servers(str(tmp_path / "names"))
    assert servers.known() == []
    servers.update("mine", lambda: None)
    assert servers.known() == []
    assert not servers.alive("mine")


def test_what_a_killed_command_left_goes_with_the_next(tmp_path: Path) -> None:
    servers = Servers(str(tmp_path))
    left = tmp_path / "mine"
    left.mkdir()
    for name in ("hosts", "hosts.new", "pid"):
        (left / name).write_text("4194304\n")
    (tmp_path / ".other").touch()
    assert servers.known() == ["mine", "other"]
    assert not servers.alive("mine")
    for name in servers.known():
        servers.update(name, lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_updates_of_one_network_wait_for_each_other(tmp_path: Path) -> None:
    servers = Servers(str(tmp_path))
    inside, most = 0, 0

    def members() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        pause.wait(0.001)
        inside -= 1

    pause = threading.Event()

    def update() -> None:
        for _ in range(20):
            servers.update("mine", members)

    threads = [threading.Thread(target=update) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert most == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_a_server_cannot_read_is_refused(tmp_path: Path) -> None:
    if not find("dnsmasq"):
        pytest.skip("'dnsmasq' is not installed")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    servers = Servers(str(closed / "names"))
    bridge = Bridge(link="br1", address=parse_interface("10.9.0.1/24", what="x"))
    with pytest.raises(UnsupportedError, match="lets nobody through"):
        servers.update("mine", lambda: (bridge, ["10.9.0.2\tone"]))
