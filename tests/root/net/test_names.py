"""Who is found by which name, and by whom."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.dock import Dock
from support.lan import HOST, PYTHON

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

LOOK = """
import socket, sys
for name in sys.argv[1:]:
    try:
        found = {one[4][0] for one in socket.getaddrinfo(name, 80, socket.AF_INET)}
        print(",".join(sorted(found)))
    except OSError:
        print("-")
"""
# Answers every question about an address with 10.9.9.9, and notes the names that were asked for.
UPSTREAM = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("10.77.0.2", 53))
print("ready", flush=True)
while True:
    data, client = server.recvfrom(512)
    end = data.index(b"\\0", 12) + 5
    print(data[12:end], flush=True)
    answer = data[:2] + b"\\x81\\x80" + data[4:6]
    if data[end - 4 : end - 2] == b"\\0\\x01":
        answer += b"\\0\\x01\\0\\0\\0\\0" + data[12:end]
        answer += b"\\xc0\\x0c\\0\\x01\\0\\x01\\0\\0\\0\\x09\\0\\x04\\x0a\\x09\\x09\\x09"
    else:
        answer += b"\\0\\0\\0\\0\\0\\0" + data[12:end]
    server.sendto(answer, client)
"""


def look(dock: Dock, name: str, *words: str) -> list[str]:
    return dock("exec", name, PYTHON, "-c", LOOK, *words).split()


def sleep(dock: Dock, name: str, *words: str) -> None:
    dock("run", "-d", "--name", name, *words, "host", "sleep", "600")


def servers(dock: Dock) -> int:
    return dock.lan.host.run("ss", "-lnupH", "sport", "=", "53").stdout.count("dnsmasq")


@pytest.fixture
def mine(dock: Dock, require: Callable[[str], str]) -> Dock:
    require("dnsmasq")
    dock("network", "create", "--subnet", "10.50.0.0/24", "mine")
    return dock


@pytest.fixture
def upstream(dock: Dock) -> Iterator["subprocess.Popen[str]"]:
    argv = dock.lan.neighbour.words(PYTHON, "-c", UPSTREAM)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "ready\n"
        yield serving
        serving.kill()


def test_names_and_aliases_on_a_network_of_ones_own(mine: Dock) -> None:
    assert servers(mine) == 0
    sleep(mine, "one", "--network", "mine", "--network-alias", "web", "--network-alias", "first")
    assert servers(mine) == 1
    sleep(mine, "two", "--network", "mine", "--network-alias", "web")
    identity = mine("inspect", "--format", "{{.Id}}", "one")[:12]
    assert look(mine, "two", "one", "first", "one.mine", identity, "web", "nobody.invalid") == [
        *["10.50.0.2"] * 4,
        "10.50.0.2,10.50.0.3",
        "-",
    ]
    assert look(mine, "one", "two") == ["10.50.0.3"]
    assert "nameserver 10.50.0.1\n" in mine("exec", "one", "cat", "/etc/resolv.conf") + "\n"
    mine("stop", "-t", "0", "one")
    assert look(mine, "two", "one", "web") == ["-", "10.50.0.3"]
    mine("start", "one")
    assert look(mine, "two", "one") == ["10.50.0.4"]
    mine("rm", "-f", "one", "two")
    assert servers(mine) == 0


def test_addresses_of_a_service_take_turns(mine: Dock) -> None:
    for name in ("one", "two", "three"):
        sleep(mine, name, "--network", "mine", "--network-alias", "web")
    first = "import socket; print(socket.gethostbyname_ex('web')[2][0])"
    seen = {mine("exec", "one", PYTHON, "-c", first) for _ in range(12)}
    assert len(seen) > 1


def test_a_name_is_known_on_its_own_network_only(mine: Dock) -> None:
    mine("network", "create", "other")
    sleep(mine, "one", "--network", "mine")
    sleep(mine, "two", "--network", "other")
    sleep(mine, "plain")
    assert look(mine, "two", "one") == ["-"]
    assert look(mine, "plain", "one") == ["-"]
    query = (
        "import socket; s = socket.socket(2, 2); s.settimeout(1); s.connect(('10.50.0.1', 53))\n"
    )
    query += "s.send(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3one\\0\\0\\1\\0\\1'); s.recv(512)"
    mine.lan.neighbour.run("ip", "route", "add", "10.50.0.0/24", "via", HOST)
    assert mine.lan.neighbour.run(PYTHON, "-c", query, check=False).returncode
    assert mine.lan.host.run(PYTHON, "-c", query, check=False).returncode == 0


def test_several_networks_and_names_of_all_of_them(mine: Dock) -> None:
    mine("network", "create", "--subnet", "10.60.0.0/24", "other")
    sleep(mine, "both", "--network", "mine", "--network", "other")
    sleep(mine, "one", "--network", "mine")
    sleep(mine, "two", "--network", "other")
    assert look(mine, "both", "one", "two") == ["10.50.0.3", "10.60.0.3"]
    assert look(mine, "one", "both", "two") == ["10.50.0.2", "-"]
    mine("rm", "-f", "two")
    assert look(mine, "both", "two") == ["-"]
    sleep(mine, "late", "--network", "other")
    mine("network", "disconnect", "mine", "both")
    assert look(mine, "both", "one", "late") == ["-", "10.60.0.4"]
    assert "10.50" not in mine("exec", "both", "cat", "/etc/hosts", "/etc/resolv.conf")
    mine("network", "connect", "--alias", "again", "mine", "both")
    assert look(mine, "both", "one") == ["10.50.0.3"]
    assert look(mine, "one", "again") != ["-"]


def test_other_names_are_asked_of_whom_the_host_asks(
    mine: Dock, upstream: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 10.77.0.2\n")
    bind = f"mount --bind {resolver} /etc/resolv.conf && "
    run = " ".join((*mine.entry, "run", "-d", "--name"))
    mine("network", "create", "--internal", "inner")
    script = f"{bind} {run} one --network mine host sleep 600 && "
    script += f"{run} shut --network inner host sleep 600 && {run} plain host sleep 600"
    mine.lan.host.run("unshare", "-m", "sh", "-c", script)
    assert look(mine, "one", "some.example") == ["10.9.9.9"]
    assert look(mine, "plain", "plain.example") == ["10.9.9.9"]
    assert look(mine, "shut", "secret.example") == ["-"]
    assert look(mine, "shut", "shut") != ["-"]
    upstream.kill()
    assert upstream.stdout is not None
    asked = upstream.stdout.read()
    assert "some" in asked
    assert "secret" not in asked
    resolver.write_text("nameserver 10.77.0.99\n")


def test_links_of_the_default_bridge(dock: Dock) -> None:
    sleep(dock, "db")
    said = dock("run", "--rm", "--link", "nobody:x", "host", "true", status=125)
    assert "no such container: 'nobody'" in said
    sleep(dock, "web", "--link", "db:store")
    identity = dock("inspect", "--format", "{{.Id}}", "db")[:12]
    assert look(dock, "web", "store", "db", identity) == ["192.168.5.2"] * 3
    dock("stop", "-t", "0", "db")
    assert look(dock, "web", "store") == ["-"]
    dock("start", "db")
    assert look(dock, "web", "store") == [dock.address("db", served=False)]
    dock("stop", "-t", "0", "db")
    said = dock("run", "--rm", "--link", "db", "host", "true", status=125)
    assert "cannot link to 'db'" in said


def test_a_server_that_was_killed_comes_back(mine: Dock) -> None:
    sleep(mine, "one", "--network", "mine")
    shown = mine.lan.host.run("ss", "-lnupH", "sport", "=", "53").stdout
    mine.lan.host.run("kill", "-9", shown.split("pid=")[1].split(",")[0])
    mine("ps")
    assert look(mine, "one", "one") == ["10.50.0.2"]
    assert servers(mine) == 1


def test_without_dnsmasq_names_stand_in_the_hosts_file(mine: Dock) -> None:
    hide = 'mount --bind /dev/null "$(command -v dnsmasq)" && exec "$@"'
    for name in ("one", "two"):
        words = (*mine.entry, "run", "-d", "--name", name, "--network", "mine", "host")
        argv = ("unshare", "-m", "sh", "-c", hide, "sh", *words, "sleep", "600")
        mine.lan.host.run(*argv)
    assert servers(mine) == 0
    assert look(mine, "one", "two") == ["10.50.0.3"]
    assert look(mine, "two", "one") == ["10.50.0.2"]


def test_dns_as_asked_and_names_still(mine: Dock) -> None:
    sleep(mine, "one", "--network", "mine")
    sleep(mine, "two", "--network", "mine", "--dns", "10.77.0.2")
    text = mine("exec", "two", "cat", "/etc/resolv.conf")
    assert [line for line in text.splitlines() if "nameserver" in line] == ["nameserver 10.77.0.2"]
    assert look(mine, "two", "one") == ["10.50.0.2"]
