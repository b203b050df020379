"""Every recorded machine gives the facts beside it."""

import json
from typing import Any

import pytest

from support.fake_host import FakeHost
from toolkit.facts.gather import gather
from toolkit.facts.machine import Machine


def test_a_recorded_machine_gives_its_facts(machine: Machine, expected: dict[str, Any]) -> None:
    facts = gather(machine)
    assert {name: facts.get(name) for name in expected} == expected


def test_facts_are_plain_data(machine: Machine) -> None:
    facts = gather(machine)
    assert json.loads(json.dumps(facts)) == facts


def test_a_machine_that_tells_nothing_still_has_facts() -> None:
    host = FakeHost()
    for path in [path for path in host.files.nodes if path != "/"]:
        del host.files.nodes[path]
    facts = gather(host)
    assert facts["ansible_distribution"] == "NA"
    assert facts["dockyard_cgroups"] == {"layout": "none", "controllers": []}
    assert facts["ansible_uptime_seconds"] == 0


@pytest.mark.parametrize(
    "name", ["ansible_python_version", "ansible_user_uid", "ansible_date_time", "ansible_env"]
)
def test_the_asking_process_tells_of_itself(name: str, debian: Machine) -> None:
    assert gather(debian)[name] is not None


def test_the_clock_has_ansibles_parts(debian: Machine) -> None:
    clock = gather(debian)["ansible_date_time"]
    assert clock["iso8601"].endswith("Z")
    assert clock["date"] == f"{clock['year']}-{clock['month']}-{clock['day']}"
    assert abs(int(clock["epoch"]) - int(clock["epoch_int"])) == 0
