"""What is sent to a host: the selected tasks, the files that they need, the host's variables."""

import json
from pathlib import Path

import pytest

from toolkit.playbook.compiler import CompiledPlay, Selection, compile_play
from toolkit.playbook.loader import load
from toolkit.playbook.shipped import digest

SITE = """\
- name: Site
  hosts: all
  become: yes
  vars: {a: play, b: play}
  vars_files: [v.yml]
  tasks:
    - {name: one, tags: x, copy: {src: a.conf, dest: /a}}
    - {name: two, tags: [y], become: no, copy: {src: "{{ item }}", dest: /b}, loop: [a.conf]}
    - {name: three, template: {src: t.j2, dest: /c}, when: false}
    - {name: four, tags: [never, z], file: {path: /d}}
    - {name: five, tags: always, file: {path: /e}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in {
        "site.yml": SITE,
        "v.yml": "b: file\n",
        "files/a.conf": "A",
        "files/deep/b.conf": "B",
        "templates/t.j2": "{% include 'part.j2' %}",
        "templates/part.j2": "P",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def compiled(site: Path, *, only: str = "", skip: str = "") -> CompiledPlay:
    (play,) = load(str(site / "site.yml")).plays
    selection = Selection(only=frozenset(only.split()), skip=frozenset(skip.split()))
    return compile_play(play, selection)


def names(made: CompiledPlay) -> str:
    return " ".join(task["name"] for task in made.shared["tasks"])


def test_it_is_json_and_small(site: Path) -> None:
    data = compiled(site).for_host("h1").data
    assert json.loads(json.dumps(data))["tasks"][3] == {
        "index": 3,
        "name": "five",
        "module": "file",
        "place": f"{site}/site.yml:11:7",
        "args": {"path": "/e"},
        "become": True,
    }
    assert data["tasks"][2]["when"] == (False,)


def test_files_travel_by_digest(site: Path) -> None:
    made = compiled(site)
    tasks = made.shared["tasks"]
    assert tasks[0]["ships"] == {"files": {"a.conf": digest(b"A")}}
    assert tasks[1]["ships"]["files"]["a.conf"] == digest(b"A")
    assert set(tasks[2]["ships"]["templates"]) == {"t.j2", "part.j2"}
    assert made.files[digest(b"P")] == b"P"


def test_files_of_tasks_that_are_left_out_stay_here(site: Path) -> None:
    assert set(compiled(site, only="x").files) == {digest(b"A")}


@pytest.mark.parametrize(
    ("only", "skip", "left"),
    [
        ("", "", "one two three five"),
        ("x", "", "one five"),
        ("x y", "", "one two five"),
        ("z", "", "four five"),
        ("never", "", "four five"),
        ("all", "", "one two three five"),
        ("tagged", "", "one two five"),
        ("untagged", "", "three five"),
        ("", "x", "two three five"),
        ("x", "always", "one"),
        ("", "tagged", "three"),
        ("", "untagged", "one two five"),
        ("", "all", "five"),
    ],
)
def test_tags_decide_what_is_sent(site: Path, only: str, skip: str, left: str) -> None:
    assert names(compiled(site, only=only, skip=skip)) == left


def test_variables_come_in_ansible_s_order(site: Path) -> None:
    made = compiled(site)
    data = made.for_host(
        "h1.example.org", variables={"a": "inventory", "c": 1}, extra={"d": 2}
    ).data
    assert data["vars"] == {"a": "play", "b": "play"}
    assert data["inventory"] == {"a": "inventory", "c": 1}
    assert data["vars_files"][0]["found"] == {"v.yml": {"b": "file"}}
    assert data["extra"] == {"d": 2}
    assert data["magic"]["inventory_hostname_short"] == "h1"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("{{ ansible_system }}", True),
        ("{{ dockyard_features }}", True),
        ("{{ ansible_check_mode }}", False),
        ("{{ a }}", False),
    ],
)
def test_facts_are_gathered_first_where_a_template_names_one(
    site: Path, text: str, first: bool
) -> None:
    (site / "templates/part.j2").write_text(text)
    assert compiled(site).shared["facts_first"] is first


def test_hosts_share_what_is_the_same(site: Path) -> None:
    made = compiled(site)
    assert made.for_host("a").data["tasks"] is made.for_host("b").data["tasks"]


def test_a_task_may_refuse_the_play_s_become(site: Path) -> None:
    tasks = compiled(site).shared["tasks"]
    assert [task.get("become", False) for task in tasks] == [True, False, True, True]
