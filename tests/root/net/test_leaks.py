"""Whatever is killed, and however much comes and goes: nothing of a network is left."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.dock import ENTRY, Dock
from support.lan import PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

STARTED = ("--network", "mine", "--network-alias", "w", "-p", "8080:80", "-p", "8081:80/udp")


@pytest.fixture
def mine(dock: Dock, require: Callable[[str], str]) -> Dock:
    require("dnsmasq")
    dock("network", "create", "--subnet", "10.50.0.0/24", "mine")
    dock("run", "--rm", "--network", "mine", "host", "true")
    dock.wait_until_clean()
    return dock


def rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the database says is taken."""
    database = sqlite3.connect(home / "data/state.db")
    try:
        names = ("endpoints", "ports", "keepers", "spans", "containers")
        return {name: sorted(database.execute(f"SELECT * FROM {name}")) for name in names}
    finally:
        database.close()


def seen(dock: Dock) -> dict[str, str]:
    """What of networks the kernel holds, and who serves them."""
    host = dock.lan.host
    return {
        "links": host.run("sh", "-c", "ip -br link | cut -d' ' -f1").stdout,
        "addresses": host.run("ip", "-o", "address").stdout.replace(" tentative", ""),
        "routes": host.run("ip", "route").stdout.replace(" linkdown", ""),
        "rules": host.run("nft", "list", "ruleset").stdout,
        "sockets": host.run("ss", "-lntupH").stdout,
    }


def wait_until_like(dock: Dock, before: dict[str, str]) -> None:
    """Until the kernel holds what it held before."""
    deadline = time.monotonic() + 60
    dock("ps")
    while (now := seen(dock)) != before:
        differ = [(key, now[key], before[key]) for key in now if now[key] != before[key]]
        assert time.monotonic() < deadline, differ
        dock("ps")  # which takes back what the killed left
        time.sleep(0.05)


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


def children(pid: int) -> dict[str, int]:
    """The processes that a process has started, by the name they gave themselves."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if int(rest.split()[1]) == pid:
                found[name] = int(entry.name)
    return found


def serving(dock: Dock, name: str) -> int:
    """The process of the host that has a port and that name."""
    found = [one for one in seen(dock)["sockets"].splitlines() if f'"{name}"' in one]
    return int(found[0].split("pid=")[1].split(",")[0])


def whom(dock: Dock, who: str) -> list[int]:
    """The processes that a test is to kill."""
    identity = dock("inspect", "--format", "{{.Id}} {{.State.Pid}}", "web").split()
    init = int(identity[1])
    shim = int(Path(f"/proc/{init}/stat").read_text().rpartition(")")[2].split()[1])
    found = {
        "init": init,
        "shim": shim,
        "keeper": serving(dock, "dockyard-ports"),
        "server": serving(dock, "dnsmasq"),
    }
    return list(found.values()) if who == "all" else [found[who]]


@pytest.mark.parametrize("who", ["init", "shim", "keeper", "server", "all"])
def test_whoever_is_killed_leaves_nothing(mine: Dock, home: Path, who: str) -> None:
    before, taken = seen(mine), rows(home)
    mine.serve("web", *STARTED)
    for pid in whom(mine, who):
        os.kill(pid, signal.SIGKILL)
    mine("ps")
    if who in ("keeper", "server"):
        assert mine.lan.host.ask("127.0.0.1", 8080) == "10.50.0.1"
        assert mine("exec", "web", "getent", "hosts", "w").split()[0] == "10.50.0.3"
    mine("rm", "-f", "web")
    wait_until_like(mine, before)
    assert rows(home) == taken


def test_a_helper_that_is_killed_while_it_wires(mine: Dock, home: Path) -> None:
    before, taken = seen(mine), rows(home)
    argv = mine.lan.host.words(*ENTRY, "run", "--rm", *STARTED, "host", "true")
    for delay in (0, 0.02, 0.05, 0.1):
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as caller:
            while caller.poll() is None:
                helper = children(caller.pid).get("dockyard-net")
                if helper:
                    time.sleep(delay)
                    with contextlib.suppress(ProcessLookupError):  # it had done its work
                        os.kill(helper, signal.SIGKILL)
                    break
            said = caller.communicate(timeout=60)[1]
        assert caller.returncode == 0 or "the network helper is gone" in said, said
    wait_until_like(mine, before)
    assert rows(home) == taken


def test_a_power_cut(mine: Dock, home: Path) -> None:
    """Everything that runs is gone, and so is what the kernel and ``/run`` held."""
    taken = rows(home)
    mine.serve("web", *STARTED)
    for pid in whom(mine, "all"):
        os.kill(pid, signal.SIGKILL)
    run = Path(os.environ["DOCKYARD_ROOT"])
    wait_for(lambda: not mine.links())
    for name in os.listdir(run):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for link in seen(mine)["links"].split("\n"):
        if link.startswith("br"):
            mine.lan.host.run("ip", "link", "delete", link.split()[0])
    mine.lan.host.run("nft", "flush", "ruleset")
    mine.lan.peer.mirror(7000)
    assert mine("ps", "-a", "--format", "{{.Names}} {{.State}}") == "web exited"
    assert {key: value for key, value in rows(home).items() if key != "containers"} == {
        key: value for key, value in taken.items() if key != "containers"
    }
    mine("start", "web")
    assert mine.address("web") == "10.50.0.4"
    assert mine.ask("web", PEER, 7000) == "10.78.0.1"
    assert mine.lan.host.ask("127.0.0.1", 8080) == "10.50.0.1"
