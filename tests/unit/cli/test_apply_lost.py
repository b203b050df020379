"""A host that is lost in the middle of a play: what is known of it, and what the next run does."""

import os
import subprocess
import sys
from pathlib import Path

SITE = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Notifies
      copy: {content: x, dest: "{{ playbook_dir }}/{{ inventory_hostname }}"}
      notify: Told
    - name: Its agent dies
      shell: kill -9 $PPID
      when: inventory_hostname == 'a' and not alive | default(false) | bool
    - name: Goes on
      command: "true"
      changed_when: false
  handlers:
    - name: Told
      copy: {content: y, dest: "{{ playbook_dir }}/{{ inventory_hostname }}.told"}
"""


def apply(site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "DOCKYARD_DATA_ROOT": str(site / "data")}
    argv = (sys.executable, "-m", "toolkit.cli.entry", "apply", "site.yml", "-i", "hosts", *words)
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=env, cwd=site)


def counts(done: "subprocess.CompletedProcess[str]", host: str) -> dict[str, str]:
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(f"{host} : "))
    return dict(word.split("=") for word in line.split() if "=" in word)


def test_what_it_did_is_known_others_go_on_and_its_handlers_run_next_time(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "hosts").write_text("a\nb\n[all:vars]\nansible_connection=local\n")
    done = apply(tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    lost, other = counts(done, "a"), counts(done, "b")
    assert (lost["ok"], lost["changed"], lost["unreachable"]) == ("1", "1", "1")
    assert (other["ok"], other["changed"], other["unreachable"]) == ("3", "2", "0")
    assert "link lost during 'apply'" in done.stdout
    assert (tmp_path / "site.retry").read_text() == "a\n"
    assert not (tmp_path / "a.told").exists()
    assert (tmp_path / "b.told").exists()
    done = apply(tmp_path, "--limit", "@site.retry", "-e", "alive=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "a.told").read_text() == "y"
    again = counts(done, "a")
    assert (again["ok"], again["changed"], again["skipped"]) == ("3", "1", "1")
    assert not (tmp_path / "site.retry").exists()
