"""A playbook over hosts: who takes part, what each is sent, how the end is told."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli.extravars import extra_variables
from toolkit.cli.output.text import TextOutput
from toolkit.cli.provision import (
    Provision,
    Sessions,
    Wish,
    batches,
    chosen,
    exit_status,
    needs_root,
    ordered,
)
from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.fleet.links import Options
from toolkit.inventory import ini
from toolkit.inventory.builder import Builder
from toolkit.inventory.model import Inventory
from toolkit.playbook.loader import load
from toolkit.playbook.results import Recap, Status, to_data
from toolkit.ssh.link import Link, OnAsk, Reply

Answer = Callable[[str], Recap]


class FakeLink:
    """A host that answers each play with a recap."""

    def __init__(
        self, host: str, answer: Answer, calls: list[tuple[str, Mapping[str, Any]]]
    ) -> None:
        self.host = host
        self._answer = answer
        self._calls = calls

    def call(self, method: str, params: Mapping[str, Any], **rest: Any) -> Reply:
        del rest
        self._calls.append((self.host, params))
        assert method == "apply"
        return Reply(result=to_data(self._answer(self.host)))

    def on_ask(self, answer: OnAsk) -> None:
        del answer

    def close(self) -> None:
        """Nothing is open."""


class FakeSessions(Sessions):
    """Links to fake hosts; ``calls`` keeps what they were asked."""

    def __init__(self, inventory: Inventory, answer: Answer) -> None:
        super().__init__(inventory, Options())
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._reply = answer

    def link(self, host: str, overrides: Mapping[str, Any] | None = None) -> Link:
        del overrides
        return FakeLink(host, self._reply, self.calls)


def fine(host: str) -> Recap:
    return Recap(host=host, ok=1)


@pytest.fixture
def site() -> Inventory:
    builder = Builder()
    ini.read("[web]\nw1 v=1\nw2\n[db]\nd1\n[web:vars]\ng=2\n", "hosts", builder)
    return builder.made()


def run(
    folder: Path, text: str, inventory: Inventory, answer: Answer = fine, **wish: Any
) -> tuple[FakeSessions, dict[str, Recap], list[str]]:
    path = folder / "site.yml"
    path.write_text(text)
    shown: list[str] = []
    sessions = FakeSessions(inventory, answer)
    output = TextOutput(lambda line, _: shown.append(line))
    recaps = Provision(inventory, sessions, output, Wish(**wish)).run(load(str(path)))
    return sessions, recaps, shown


TASKS = "  tasks:\n    - file: {path: /x}\n"


def test_each_host_gets_its_variables(tmp_path: Path, site: Inventory) -> None:
    sessions, _, _ = run(tmp_path, f"- hosts: web\n{TASKS}", site, extra={"e": 3})
    plays = {host: params["play"] for host, params in sessions.calls}
    assert set(plays) == {"w1", "w2"}
    assert plays["w1"]["inventory"] == {"v": 1, "g": 2}
    assert plays["w1"]["extra"] == {"e": 3}
    assert plays["w1"]["magic"]["group_names"] == ["web"]
    assert plays["w1"]["magic"]["groups"]["db"] == ["d1"]


def test_limit_and_patterns_select(tmp_path: Path, site: Inventory) -> None:
    sessions, recaps, _ = run(tmp_path, f"- hosts: all:!db\n{TASKS}", site, limit="w2,db")
    assert [host for host, _ in sessions.calls] == ["w2"]
    assert set(recaps) == {"w2"}


def test_a_failed_host_takes_no_part_in_later_plays(tmp_path: Path, site: Inventory) -> None:
    def answer(host: str) -> Recap:
        return Recap(host=host, failed=1) if host == "w1" else fine(host)

    text = f"- hosts: web\n{TASKS}- hosts: all\n{TASKS}"
    sessions, recaps, _ = run(tmp_path, text, site, answer)
    assert sorted(host for host, _ in sessions.calls) == ["d1", "w1", "w2", "w2"]
    assert recaps["w2"].ok == 2
    assert exit_status(recaps.values()) == 1


def test_a_lost_host_does_not_stop_the_others(tmp_path: Path, site: Inventory) -> None:
    def answer(host: str) -> Recap:
        if host == "w1":
            raise UnavailableError("it is gone", hint="look")
        return fine(host)

    _, recaps, shown = run(tmp_path, f"- hosts: all\n{TASKS}", site, answer)
    assert recaps["w1"].status is Status.UNREACHABLE
    assert exit_status(recaps.values()) == 4
    assert "unreachable: [w1]: it is gone" in shown
    assert recaps["d1"].ok == 1


def test_serial_makes_batches(tmp_path: Path, site: Inventory) -> None:
    assert list(batches(("a", "b", "c", "d"), [1, "50%"])) == [("a",), ("b", "c"), ("d",)]
    assert list(batches(("a", "b"), [])) == [("a", "b")]
    assert list(batches((), [2])) == []

    def answer(host: str) -> Recap:
        return Recap(host=host, failed=1) if host == "w1" else fine(host)

    text = f"- hosts: all\n  serial: 1\n{TASKS}"
    sessions, _, _ = run(tmp_path, text, site, answer)
    assert [host for host, _ in sessions.calls] == ["w1"], "a batch that failed ends the play"


def test_a_play_chooses_its_order(site: Inventory) -> None:
    hosts = tuple(site.hosts)
    assert ordered(hosts, "reverse_sorted") == ("w2", "w1", "d1")
    assert ordered(hosts, "reverse_inventory") == hosts[::-1]
    assert sorted(ordered(hosts, "shuffle")) == sorted(hosts)
    with pytest.raises(InvalidInputError, match="'order': 'upwards'"):
        ordered(hosts, "upwards")


def test_any_error_may_be_fatal(tmp_path: Path, site: Inventory) -> None:
    def answer(host: str) -> Recap:
        return Recap(host=host, failed=1) if host == "w1" else fine(host)

    second = f"- hosts: db\n{TASKS}"
    text = f"- hosts: web\n  any_errors_fatal: true\n{TASKS}{second}"
    sessions, _, _ = run(tmp_path, text, site, answer)
    assert "d1" not in {host for host, _ in sessions.calls}
    text = f"- hosts: web\n  max_fail_percentage: 50\n{TASKS}{second}"
    sessions, _, _ = run(tmp_path, text, site, answer)
    assert "d1" in {host for host, _ in sessions.calls}


def test_a_playbook_that_matches_no_host_is_refused(tmp_path: Path, site: Inventory) -> None:
    with pytest.raises(InvalidInputError, match="no host matches 'mail'"):
        run(tmp_path, f"- hosts: mail\n{TASKS}", site)


def test_a_limit_must_name_something(site: Inventory) -> None:
    with pytest.raises(InvalidInputError, match="'wbe' is neither a host nor a group"):
        chosen(site, "wbe")
    with pytest.raises(InvalidInputError, match="names no host"):
        chosen(site, "web:!web")


def test_root_is_needed_where_a_task_says_so(tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text(f"- hosts: all\n{TASKS}")
    assert not needs_root(load(str(path)))
    path.write_text("- hosts: all\n  tasks:\n    - {file: {path: /x}, become: yes}\n")
    assert needs_root(load(str(path)))


def test_extra_variables_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "v.yml"
    path.write_text("c: [1]\n")
    given = ("a=1 b='x y'", '{"d": 2}', f"@{path}", "a=2")
    assert extra_variables(given) == {"a": "2", "b": "x y", "c": [1], "d": 2}


@pytest.mark.parametrize("text", ["a", "=1", "a='", "[1]", "{a: [}", "1a=2"])
def test_other_extra_variables_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="-e"):
        extra_variables((text,))
