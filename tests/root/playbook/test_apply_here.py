"""``dockyard apply`` on a machine that may be changed: journal, check mode, undo."""

import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

SITE = """\
- hosts: all
  gather_facts: no
  vars: {word: hello}
  tasks:
    - name: Folder
      file: {path: /srv/site, state: directory, mode: "0750"}
    - name: Text
      copy: {content: "{{ word }}\\n", dest: /srv/site/text, mode: "0600"}
      notify: Tell
    - name: Template
      template: {src: page.j2, dest: /srv/site/page}
      register: page
    - name: Link
      file: {path: /srv/site/link, src: text, state: link}
      when: page is changed
    - name: File
      copy: {src: a.conf, dest: /srv/site/}
  handlers:
    - name: Tell
      copy: {content: told, dest: /srv/site/told}
"""


@pytest.fixture
def site(tmp_path: Path) -> str:
    for name, text in {
        "site.yml": SITE,
        "templates/page.j2": "{% for n in [1, 2] %}\n{{ word }} {{ n }}\n{% endfor %}\n",
        "files/a.conf": "a\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(tmp_path / "site.yml")


def statuses(events: list[dict[str, Any]]) -> list[str]:
    return [event["status"] for event in events if event["kind"] == "task.done"]


def test_apply_twice_then_undo(box: Any, site: str) -> None:
    first = box.events("apply", site)
    assert statuses(first) == ["changed"] * 6
    assert (box.root / "srv/site/text").read_text() == "hello\n"
    assert (box.root / "srv/site/page").read_text() == "hello 1\nhello 2\n"
    assert (box.root / "srv/site/a.conf").read_text() == "a\n"
    assert (box.root / "srv/site/told").read_text() == "told"
    assert (box.root / "srv/site").stat().st_mode & 0o777 == 0o750

    second = box.events("apply", site)
    assert statuses(second) == ["ok", "ok", "ok", "skipped", "ok"]
    assert second[-1]["hosts"][0]["changed"] == 0

    undone = box.dockyard("undo")
    assert undone.stdout.endswith(": 6 undone\n")
    assert not (box.root / "srv/site").exists()


def test_check_tells_the_same_and_touches_nothing(box: Any, site: str) -> None:
    planned = box.dockyard("apply", site, "--check", "--diff").stdout
    assert not (box.root / "srv/site").exists()
    done = box.dockyard("apply", site, "--diff").stdout
    assert strip(planned) == strip(done)
    assert "+hello 2" in planned


def strip(output: str) -> list[str]:
    """The lines without the seconds of the recap."""
    return [line.rpartition("ignored=")[0] or line for line in output.splitlines()]


def test_a_fault_is_told_before_anything_is_touched(box: Any, site: str) -> None:
    Path(site).write_text(SITE.replace("mode:", "moed:"))
    done = box.dockyard("apply", site, check=False)
    assert done.returncode == 2
    assert f"{site}:6:49: file: 'moed': unknown key (did you mean 'mode'?)" in done.stderr
    assert not (box.root / "srv/site").exists()


def test_a_failure_keeps_what_was_done_and_can_be_undone(box: Any, site: str) -> None:
    Path(site).write_text(SITE.replace("dest: /srv/site/page", "dest: /srv/none/page"))
    done = box.dockyard("apply", site, check=False)
    assert done.returncode == 1
    assert "failed: [localhost]: the directory '/srv/none' does not exist" in done.stdout
    assert (box.root / "srv/site/text").exists()
    box.dockyard("undo")
    assert not (box.root / "srv/site").exists()


KILLED = """\
- hosts: all
  gather_facts: no
  tasks:
    - file: {path: /srv/site, state: directory}
    - copy: {content: a, dest: /srv/site/a}
    - copy: {content: b, dest: /srv/site/b, validate: "sh -c 'touch /tmp/begun; sleep 300; cat %s'"}
"""
KILL = """\
"$@" >/dev/null 2>&1 &
while ! test -e /tmp/begun; do sleep 0.05; done
kill -KILL $!
wait $! 2>/dev/null
while pgrep -xf "sleep 300" >/dev/null; do sleep 0.05; done
"""


def test_a_run_that_is_killed_can_be_undone(box: Any, site: str) -> None:
    Path(site).write_text(KILLED)
    apply = (sys.executable, "-m", "toolkit.cli.entry", "apply", site)
    box.run("sh", "-c", KILL, "sh", *apply)
    assert (box.root / "srv/site/a").exists()
    assert not (box.root / "srv/site/b").exists()
    assert box.dockyard("undo").stdout.endswith(": 2 undone\n")
    assert not (box.root / "srv/site").exists()


def test_an_undo_leaves_later_work_alone(box: Any, site: str) -> None:
    box.dockyard("apply", site)
    (box.root / "srv/site/text").write_text("by hand\n")
    done = box.dockyard("undo", check=False)
    assert done.returncode == 1
    assert "'/srv/site/text' was changed after the run, so it is left as it is" in done.stdout
    assert (box.root / "srv/site/text").read_text() == "by hand\n"
    assert not (box.root / "srv/site/page").exists()


def test_a_rehearsal_keeps_nothing(box: Any, site: str) -> None:
    done = box.dockyard("apply", site, "--rehearse", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=6" in done.stdout
    assert not (box.root / "srv/site").exists()
