"""``dockyard apply`` and ``undo`` as they are typed, on this machine without root's places."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = """\
- hosts: {hosts}
  gather_facts: no
  tasks:
    - name: Text
      copy: {{content: "{{{{ word | default('none') }}}}", dest: "{folder}/text"}}
      tags: text
    - name: Other
      copy: {{content: x, dest: "{folder}/other"}}
"""


def dockyard(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "DOCKYARD_DATA_ROOT": str(home / "data")}
    argv = (sys.executable, "-m", "toolkit.cli.entry", *words)
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=env)


@pytest.fixture
def site(tmp_path: Path) -> str:
    path = tmp_path / "site.yml"
    path.write_text(SITE.format(hosts="all", folder=tmp_path))
    return str(path)


def test_it_changes_once_and_can_be_undone(tmp_path: Path, site: str) -> None:
    first = dockyard(tmp_path, "apply", site, "-e", "word=hello", "--tags", "text")
    assert (first.returncode, first.stderr) == (0, "")
    assert (tmp_path / "text").read_text() == "hello"
    assert not (tmp_path / "other").exists()
    second = dockyard(tmp_path, "apply", site, "-e", "word=hello", "--tags", "text", "--json")
    assert json.loads(second.stdout.splitlines()[-1])["hosts"][0]["changed"] == 0
    (journal,) = (tmp_path / "data/journal").iterdir()
    undone = dockyard(tmp_path, "undo", journal.stem)
    assert undone.stdout.splitlines()[-1] == f"localhost: run {journal.stem}: 1 undone"
    assert not (tmp_path / "text").exists()


def test_nothing_left_to_undo_is_an_error(tmp_path: Path) -> None:
    done = dockyard(tmp_path, "undo")
    assert done.returncode == 1
    assert "dockyard: localhost: there is nothing to undo" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--check", "--verify"), "--check changes nothing that --verify could prove"),
        (("--rehearse", "-i", "x,"), "--rehearse copies this machine"),
        (("--limit", "nobody"), "'nobody' is neither a host nor a group"),
        (("-e", "x"), "expected NAME=VALUE"),
        (("-e", "@/no/file"), "there is no file '/no/file'"),
    ],
)
def test_contradictions_are_refused_before_anything(
    tmp_path: Path, site: str, words: tuple[str, ...], said: str
) -> None:
    done = dockyard(tmp_path, "apply", site, *words)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert not (tmp_path / "text").exists()


def test_faults_are_told_with_their_place(tmp_path: Path, site: str) -> None:
    Path(site).write_text(SITE.format(hosts="all", folder=tmp_path).replace("dest", "dset"))
    done = dockyard(tmp_path, "apply", site)
    assert done.returncode == 2
    assert f"{site}:5:55: copy: 'dset': unknown key (did you mean 'dest'?)" in done.stderr
    assert not (tmp_path / "other").exists()


def test_no_inventory_is_this_machine_and_no_group(tmp_path: Path, site: str) -> None:
    Path(site).write_text(SITE.format(hosts="web", folder=tmp_path))
    done = dockyard(tmp_path, "apply", site)
    assert done.returncode == 2
    assert "no host matches 'web'" in done.stderr
