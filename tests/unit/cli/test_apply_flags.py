"""The flags of ``apply`` that only look, and those that choose where a run begins and on whom."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SITE = """\
- name: First
  hosts: all
  gather_facts: false
  tags: [p]
  tasks:
    - name: One
      debug: {msg: "one {{ inventory_hostname }}"}
      tags: [b, a]
    - import_role: {name: r}
    - name: Breaks
      fail: {msg: "broken"}
      when: inventory_hostname == 'b' and broken | default(true) | bool
- name: Second
  hosts: web
  gather_facts: false
  tasks:
    - name: Last
      debug: {msg: "last {{ inventory_hostname }}", verbosity: 0}
    - name: Chatty
      debug: {msg: chatty, verbosity: 1}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "roles/r/tasks").mkdir(parents=True)
    role = "- {name: In it, debug: {msg: role}, tags: t}\n"
    (tmp_path / "roles/r/tasks/main.yml").write_text(role)
    (tmp_path / "hosts").write_text("[web]\na\nb\n[all:vars]\nansible_connection=local\n")
    (tmp_path / "site.yml").write_text(SITE)
    return tmp_path


def apply(site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "DOCKYARD_DATA_ROOT": str(site / "data")}
    argv = (sys.executable, "-m", "toolkit.cli.entry", "apply", "site.yml", "-i", "hosts", *words)
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=env, cwd=site)


def messages(done: "subprocess.CompletedProcess[str]") -> list[str]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(line["message"] for line in lines if line.get("module") == "debug")


def test_lists_touch_nothing(site: Path) -> None:
    done = apply(site, "--list-hosts", "--list-tasks", "--list-tags", "--limit", "a")
    assert done.stdout.splitlines() == [
        "",
        "playbook: site.yml",
        "",
        "  play #1 (all): First\tTAGS: [p]",
        "    pattern: ['all']",
        "    hosts (1):",
        "      a",
        "    tasks:",
        "      One\tTAGS: [a, b, p]",
        "      r : In it\tTAGS: [p, t]",
        "      Breaks\tTAGS: [p]",
        "      TASK TAGS: [a, b, p, t]",
        "",
        "  play #2 (web): Second\tTAGS: []",
        "    pattern: ['web']",
        "    hosts (1):",
        "      a",
        "    tasks:",
        "      Last\tTAGS: []",
        "      Chatty\tTAGS: []",
        "      TASK TAGS: []",
    ]
    assert apply(site, "--syntax-check").stdout == "\nplaybook: site.yml\n"
    assert not (site / "data").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tags", "tt"), "--tags: no task has the tag 'tt'"),
        (("--skip-tags", "a,zebra"), "--skip-tags: no task has the tag 'zebra'"),
        (("--start-at-task", "Ohne"), "there is no task 'Ohne'\nhint: did you mean 'One'?"),
        (("--limit", "@gone"), "--limit: there is no file 'gone'"),
        (("-K",), "nobody can answer 'BECOME password:'"),
        (("--become-password-file", "gone"), "--become-password-file: there is no file 'gone'"),
    ],
)
def test_what_cannot_be_meant_is_told_first(site: Path, words: tuple[str, ...], said: str) -> None:
    done = apply(site, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_it_starts_at_a_task_and_goes_on_from_there(site: Path) -> None:
    done = apply(site, "--json", "--start-at-task", "r : In*", "-e", "broken=no", "-v")
    assert done.returncode == 0, done.stdout
    assert messages(done) == ["chatty", "chatty", "last a", "last b", "role", "role"]
    done = apply(site, "--json", "--start-at-task", "Last")
    assert messages(done) == ["", "", "last a", "last b"]


def test_hosts_that_failed_can_be_tried_again(site: Path) -> None:
    done = apply(site)
    assert done.returncode == 1
    assert "to try these hosts again: --limit @site.retry" in done.stdout
    assert (site / "site.retry").read_text() == "b\n"
    done = apply(site, "--limit", "@site.retry", "-e", "broken=no", "--json")
    assert done.returncode == 0
    assert messages(done) == ["", "last b", "one b", "role"]
    assert not (site / "site.retry").exists()


def test_a_step_that_nobody_can_answer_is_refused(site: Path) -> None:
    done = apply(site, "--step", "--limit", "a")
    assert done.returncode != 0
    assert "nobody can answer" in done.stdout + done.stderr


SEALED = """\
- hosts: all
  gather_facts: false
  tasks:
    - debug: {{msg: "told {{{{ v }}}}"}}
  vars:
    v: !vault |
{envelope}
"""


def test_a_vault_is_opened_by_a_file_a_program_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = Path(__file__).parent.parent.parent / "root/twins/language/vault.d"
    lines = (twins / "files/key").read_text().splitlines()
    (tmp_path / "hosts").write_text("a ansible_connection=local\n")
    envelope = "\n".join(f"      {line}" for line in lines)
    (tmp_path / "site.yml").write_text(SEALED.format(envelope=envelope))
    (tmp_path / "pass").write_text("correct horse\n")
    (tmp_path / "my-client").write_text(
        '#!/bin/sh\n[ "$*" = "--vault-id x" ] && echo correct horse\n'
    )
    (tmp_path / "my-client").chmod(0o755)
    (tmp_path / "wrong").write_text("wrong\n")
    done = apply(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "site.yml:6:8: this is encrypted, and no password was given" in done.stderr
    done = apply(tmp_path, "--vault-password-file", "wrong")
    assert "none of the passwords opens this vault" in done.stderr
    for words in (
        ("--vault-password-file", "pass"),
        ("--vault-id", "x@my-client"),
        ("--vault-id", "wrong", "--vault-id", "pass"),
    ):
        done = apply(tmp_path, *words)
        assert done.returncode == 0, done.stderr
        assert "whole file" not in done.stdout
        assert "told ********" in done.stdout
    monkeypatch.setenv("DOCKYARD_VAULT_PASSWORD_FILE", str(tmp_path / "pass"))
    assert apply(tmp_path).returncode == 0
    done = apply(tmp_path, "-J")
    assert "nobody can answer 'Vault password:'" in done.stderr


def test_a_second_run_on_this_machine_is_refused_or_waits(site: Path) -> None:
    (site / "slow.yml").write_text(
        "- hosts: a\n  gather_facts: false\n  tasks:\n"
        f"    - command: sh -c 'touch {site}/begun; until [ -e {site}/go ]; do sleep 0.1; done'\n"
    )
    env = {**os.environ, "DOCKYARD_DATA_ROOT": str(site / "data")}
    argv = (sys.executable, "-m", "toolkit.cli.entry", "apply", "slow.yml", "-i", "hosts")
    with subprocess.Popen(argv, cwd=site, env=env, stdout=subprocess.DEVNULL) as first:
        while not (site / "begun").exists():
            assert first.poll() is None
            time.sleep(0.05)
        refused = apply(site, "--limit", "a")
        assert refused.returncode == 1
        assert "is being applied here, so this one did not begin" in refused.stdout
        with subprocess.Popen(
            (*argv[:4], "site.yml", "-i", "hosts", "--limit", "a", "--wait", "300", "--json"),
            cwd=site,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        ) as second:
            assert second.stdout is not None
            for line in second.stdout:
                if "waiting for the run" in line:
                    break
            (site / "go").touch()
            rest = second.stdout.read()
        assert '"message": "one a"' in rest
        assert (first.wait(), second.returncode) == (0, 0)
