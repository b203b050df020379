"""A playbook of twenty tasks and a handler: ours against Ansible, Mitogen and pyinfra."""

import json
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import commands, environment, fleet, inventories, peers, site
from benchmarks.measure import Row, timed

if TYPE_CHECKING:
    from support.sshd_hosts import SshdHosts

RUNS = 3
GOALS = {
    10: {"ansible": 1 / 30, "mitogen": 1 / 10, "pyinfra": 1 / 3.5},
    1: {"ansible": 1 / 15, "mitogen": 1 / 7, "pyinfra": 1 / 5},
}
MOST_TRIPS = 12
TRIP_SECONDS = 0.03


def rows(folder: Path) -> Iterator[Row]:
    """Second runs over cold connections: nothing is left to change."""
    programs = peers()
    with fleet(folder / "fleet", 10) as hosts:
        where = site(folder / "site")
        for count, goals in GOALS.items():
            argvs = commands(programs, inventories(hosts, where, count))
            yield from _side_by_side(hosts, where, argvs, goals, count)
        yield _trips(hosts, where)


def _side_by_side(
    hosts: "SshdHosts",
    where: Path,
    argvs: dict[str, list[str]],
    goals: dict[str, float],
    count: int,
) -> Iterator[Row]:
    def run(name: str) -> None:
        done = subprocess.run(
            hosts.argv(tuple(argvs[name])),
            cwd=where,
            env=environment(hosts),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-3000:]
            raise RuntimeError(f"{name} ended with status {done.returncode}: {said}")

    names = ("ours", *goals)
    for name in names:
        run(name)
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(RUNS):
        for name in names:
            found[name].append(timed(lambda name=name: run(name)))  # type: ignore[misc] # a bound default
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    ours = medians["ours"]
    for name, goal in goals.items():
        yield Row(
            name=f"{name} {count}",
            ours=ours,
            peer=medians[name],
            ratio=ours / medians[name],
            goal=goal,
            unit="s",
            runs=RUNS,
        )


def _trips(hosts: "SshdHosts", where: Path) -> Row:
    """The round trips of the whole play over a link of 30 ms, against the most that may be."""
    from support.slow_link import slow_link  # noqa: PLC0415 - its folder is only known now

    host = hosts.hosts[0]
    turns = []
    for _ in range(RUNS):
        with slow_link(hosts, host, TRIP_SECONDS) as link:
            words = {
                "ansible_host": "127.0.0.1",
                "ansible_port": link.port,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(hosts.key),
                "dockyard_accept_new": True,
            }
            inventory = where / "far.json"
            inventory.write_text(json.dumps({"all": {"hosts": {"far": words}}}))
            argv = commands(peers(), inventory)["ours"]
            subprocess.run(
                hosts.argv(tuple(argv)),
                cwd=where,
                env=environment(hosts),
                capture_output=True,
                check=True,
            )
        turns.append(link.turns)
    ours = statistics.median(turns)
    return Row(
        name="round trips",
        ours=ours,
        peer=MOST_TRIPS,
        ratio=ours / MOST_TRIPS,
        goal=1.0,
        unit="",
        runs=RUNS,
    )
