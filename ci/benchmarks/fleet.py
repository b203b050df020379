"""What a fleet costs its controller: time by the number of hosts, memory for two hundred."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import commands, environment, fleet, inventories, peers, site
from benchmarks.measure import Row, in_turn, timed

if TYPE_CHECKING:
    from support.sshd_hosts import SshdHosts

RUNS = 3
HOSTS = 10
MANY = 200
MOST_MIB = 256


def rows(folder: Path) -> Iterator[Row]:
    """``10 hosts``: ten at once against ten times one; ``memory 200``: MiB against the most."""
    with fleet(folder / "fleet", HOSTS) as hosts:
        where = site(folder / "site")
        one, ten = (_ours(inventories(hosts, where, count)) for count in (1, HOSTS))
        yield in_turn(
            "10 hosts",
            goal=1.0,
            ours=lambda: timed(lambda: _run(hosts, where, ten)),
            peer=lambda: HOSTS * timed(lambda: _run(hosts, where, one)),
            runs=RUNS,
        )
        names = [hosts.hosts[number % HOSTS] for number in range(MANY)]
        inventory = inventories(hosts, where, HOSTS)
        lines = [f"h{n} ansible_host={host.address}" for n, host in enumerate(names)]
        rest = inventory.read_text().partition("[all:vars]")[2]
        (where / "many").write_text("[all]\n" + "\n".join(lines) + "\n[all:vars]" + rest)
        most = _memory(hosts, where, _ours(where / "many"))
        yield Row(
            name="memory 200",
            ours=most,
            peer=MOST_MIB,
            ratio=most / MOST_MIB,
            goal=1.0,
            unit="MiB",
            runs=1,
        )


def _ours(inventory: Path) -> list[str]:
    return commands(peers(), inventory)["ours"]


def _run(hosts: "SshdHosts", where: Path, argv: Sequence[str]) -> None:
    subprocess.run(
        hosts.argv(tuple(argv)),
        cwd=where,
        env=environment(hosts),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _memory(hosts: "SshdHosts", where: Path, argv: Sequence[str]) -> float:
    """The most memory that the controller had at any time, in MiB."""
    child = subprocess.Popen(
        hosts.argv(tuple(argv)), cwd=where, env=environment(hosts), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{MANY} hosts ended with status {child.returncode}")
    return usage.ru_maxrss / 1024
