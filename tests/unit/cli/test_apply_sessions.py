"""Links for a whole run, and the agent that starts while the playbook is read."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from toolkit.cli.provision import Sessions, inventory_of, journal_folder
from toolkit.core.errors import MissingInputError, UnavailableError
from toolkit.fleet.links import Options


def test_the_local_agent_is_prepared_and_then_used() -> None:
    hosts = inventory_of(())
    with Sessions(hosts, Options()) as sessions:
        sessions.prepare_local()
        link = sessions.link("localhost")
        assert link is sessions.link("localhost")
        assert link.call("ping", {"echo": "x"}).result["echo"] == "x"


def test_an_agent_that_cannot_start_says_so_once_it_is_asked() -> None:
    hosts = inventory_of(())
    broken = Options(local_prefix=(sys.executable, "-c", "raise SystemExit('out of order')"))
    with Sessions(hosts, broken) as sessions:
        sessions.prepare_local()
        with pytest.raises(UnavailableError, match="out of order"):
            sessions.link("localhost")


def test_a_prepared_agent_that_nobody_asks_is_ended() -> None:
    with Sessions(inventory_of(()), Options()) as sessions:
        sessions.prepare_local()


def test_hosts_of_a_list_are_not_this_machine() -> None:
    sessions = Sessions(inventory_of(("web1,localhost,",)), Options())
    assert not sessions.is_local("web1")
    assert sessions.is_local("localhost")


def test_a_missing_inventory_is_told() -> None:
    with pytest.raises(MissingInputError, match="there is no inventory 'nowhere'"):
        inventory_of(("nowhere",))


def test_journals_follow_the_data_root_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKYARD_DATA_ROOT", raising=False)
    assert journal_folder() == ""
    monkeypatch.setenv("DOCKYARD_DATA_ROOT", "/x")
    assert journal_folder() == "/x/journal"


def dockyard(*words: str) -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-m", "toolkit.cli.entry", *words)
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def test_facts_of_this_machine() -> None:
    done = dockyard("facts", "--json")
    (line,) = done.stdout.splitlines()
    told: Mapping[str, Any] = json.loads(line)
    assert told["host"] == "localhost"
    assert told["facts"]["ansible_system"] == "Linux"
    shown = dockyard("facts").stdout.splitlines()
    assert shown[0] == "localhost:"
    assert "  ansible_system: Linux" in shown


def test_facts_of_a_host_that_cannot_be_reached() -> None:
    done = dockyard("facts", "-i", "192.0.2.1:1,", "--limit", "nobody")
    assert done.returncode == 2
    assert "'nobody' is neither a host nor a group" in done.stderr
