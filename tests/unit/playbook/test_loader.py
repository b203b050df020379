"""A playbook is checked as a whole, before anything is touched."""

from pathlib import Path

import pytest

from toolkit.core.errors import MissingInputError
from toolkit.playbook.faults import PlaybookError
from toolkit.playbook.loader import load, load_variables
from toolkit.playbook.model import Task

HEAD = "- hosts: all\n"


def write(folder: Path, text: str, name: str = "site.yml") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def faults(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(PlaybookError) as caught:
        load(path)
    assert caught.value.exit_status == 2
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_everything_that_a_play_may_say(tmp_path: Path) -> None:
    write(tmp_path, "v: file\n", "vars/more.yml")
    playbook = load(
        write(
            tmp_path,
            """\
- name: Site
  hosts: [web, "!old"]
  become: yes
  gather_facts: no
  tags: site
  vars: {a: 1}
  vars_files: [vars/more.yml]
  tasks:
    - name: Hold it
      ansible.posix.sysctl:
        name: net.ipv4.ip_forward
        value: 1
      when: a == 1
      register: held
      notify: [Tell]
      tags: [x, y]
      vars: {b: 2}
      changed_when: false
      failed_when: [held is failed, b == 3]
      ignore_errors: true
      become: no
      check_mode: no
      no_log: yes
      loop: "{{ [1] }}"
  handlers:
    - name: Tell
      ansible.builtin.file: {path: /x, state: absent}
""",
        )
    )
    (play,) = playbook.plays
    assert (play.title, play.hosts, play.tags) == ("Site", "web,!old", ("site",))
    assert play.words == {"become": True, "gather_facts": False}
    assert (play.vars, play.vars_files[0].names) == ({"a": 1}, ("vars/more.yml",))
    assert play.vars_files[0].found == {"vars/more.yml": {"v": "file"}}
    (task,) = play.tasks
    assert isinstance(task, Task)
    assert (task.module, task.tags, task.vars) == ("sysctl", ("x", "y"), {"b": 2})
    assert task.words == {
        "when": ("a == 1",),
        "register": "held",
        "notify": ("Tell",),
        "changed_when": (False,),
        "failed_when": ("held is failed", "b == 3"),
        "ignore_errors": True,
        "become": False,
        "check_mode": False,
        "no_log": True,
        "loop": "{{ [1] }}",
    }
    assert str(task.place).endswith("site.yml:9:7")
    assert isinstance(play.handlers[0], Task)
    assert play.handlers[0].module == "file"


def test_all_faults_are_told_at_once_in_order(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """\
- hosts: all
  vras: {}
  serial: some
  become: perhaps
  tasks:
    - name: a
      sysctl: {name: a, value: 1, staet: present}
      whne: true
      debugger: always
    - name: b
      sysctll: {}
    - when: a ==
      file: {path: /x, state: flie}
      notify: nobody
    - register: a-b
      with_itms: []
      copy: {dest: /x, content: "{{ a | uper }}"}
    - name: nothing
    - file: {path: /x}
      copy: {dest: /y, content: z}
    - file: path=/x oops
    - 7
""",
    )
    assert found == [
        "site.yml:2:3: unknown play keyword 'vras' (did you mean 'vars'?)",
        "site.yml:3:11: 'serial': expected a number of hosts or a percentage, not text",
        "site.yml:4:11: 'become': expected true or false, not text",
        "site.yml:7:35: sysctl: 'staet': unknown key (did you mean 'state'?)",
        "site.yml:8:7: unknown task keyword 'whne' (did you mean 'when'?)",
        "site.yml:9:7: the task keyword 'debugger' is not supported"
        " (use --step, or register a result and debug it)",
        "site.yml:11:7: unknown module 'sysctll' (did you mean 'sysctl'?)",
        *[line for line in found if line.startswith(("site.yml:12", "site.yml:13"))],
        "site.yml:14:15: there is no handler 'nobody'",
        "site.yml:15:17: 'register': 'a-b' is no name of a variable",
        next(
            line for line in found if line.startswith("site.yml:16:7: there is no loop 'with_itms'")
        ),
        "site.yml:17:33: unknown filter 'uper' (did you mean 'upper'?)",
        "site.yml:18:7: a task without a module",
        "site.yml:20:7: a second module, 'copy', beside 'file'",
        "site.yml:21:13: 'file' takes a mapping of arguments, not text"
        " (write each argument as 'name: value' on a line of its own)",
        "site.yml:22:7: a task is a mapping, not a whole number",
    ]
    assert any("not a valid expression" in line for line in found)
    assert any(line.startswith("site.yml:13:31: file: 'state'") for line in found)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("copy: {src: a.cfn, dest: /x}", "3:19: there is no file 'a.cfn' (did you mean 'a.conf'?)"),
        ("template: {src: no.j2, dest: /x}", "there is no file 'no.j2'"),
        ("template: {src: bad.j2, dest: /x}", "templates/bad.j2:2:1: not a valid expression"),
        ("template: {src: odd.j2, dest: /x}", "templates/odd.j2:1:1: unknown filter 'lowr'"),
        ("template: {src: inc.j2, dest: /x}", "there is no file 'gone.j2'"),
        ("sysctl: {name: a, value: {b: c}}", "sysctl: 'value'"),
        ("sysctl: {value: 1}", "sysctl: 'name' is missing"),
        (
            "ansible.builtin.shel: x",
            "unknown module 'ansible.builtin.shel' (did you mean 'shell'?)",
        ),
        ("frobnicate: x", "unknown module 'frobnicate' ('dockyard doc' lists all)"),
        ("file: {path: /x, mode: 644}", "write mode"),
        ("file: {path: [/x]}", "file: 'path'"),
    ],
)
def test_files_and_arguments_are_checked(tmp_path: Path, task: str, said: str) -> None:
    write(tmp_path, "x", "files/a.conf")
    write(tmp_path, "ok\n{% if %}\n", "templates/bad.j2")
    write(tmp_path, "{{ x | lowr }}\n", "templates/odd.j2")
    write(tmp_path, "{% include 'gone.j2' %}\n", "templates/inc.j2")
    (found,) = faults(tmp_path, f"{HEAD}  tasks:\n    - {task}\n")
    assert said in found


def test_an_octal_mode_is_what_it_says(tmp_path: Path) -> None:
    load(write(tmp_path, f"{HEAD}  tasks:\n    - file: {{path: /x, mode: 0644}}\n"))


def test_a_templated_value_is_left_for_the_host(tmp_path: Path) -> None:
    task = '    - file: {path: "{{ p }}", state: "{{ s }}", mode: "{{ m }}"}\n'
    load(write(tmp_path, f"{HEAD}  tasks:\n{task}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hosts: all\n", "site.yml:1:1: a playbook is a list of plays, not a mapping"),
        ("", "a playbook is a list of plays, not nothing"),
        ("[]\n", "a playbook without a play"),
        ("- 1\n", "a play is a mapping, not a whole number"),
        ("- tasks: []\n", "a play without 'hosts'"),
        ("- hosts: []\n", "'hosts' names no host"),
        ('- hosts: "{{ x }}"\n', "'hosts': '{{ x }}' must be known before the play runs"),
        (f"{HEAD}  tasks: {{}}\n", "'tasks': expected a list, not a mapping"),
        (f"{HEAD}  vars: [1]\n", "'vars': expected a mapping, not a list"),
        (f"{HEAD}  vars: {{a-b: 1}}\n", "'a-b' is no name of a variable"),
        (f"{HEAD}  vars_files: [no.yml]\n", "there is no file"),
        (f"{HEAD}  handlers: [{{file: {{path: /x}}}}]\n", "a handler without a name"),
        ("- import_playbook: x.yml\n", "1:20: there is no file"),
    ],
)
def test_the_shape_of_a_playbook(tmp_path: Path, text: str, said: str) -> None:
    (found,) = faults(tmp_path, text)
    assert said in found


def test_a_missing_playbook_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, HEAD)
    with pytest.raises(MissingInputError) as caught:
        load(str(tmp_path / "sites.yml"))
    assert caught.value.hint == "did you mean 'site.yml'?"


def test_a_file_of_variables(tmp_path: Path) -> None:
    assert load_variables(write(tmp_path, "a: 1\n", "v.yml")) == {"a": 1}
    with pytest.raises(PlaybookError, match=r"v\.yml:1:1: .*expected a mapping, not a list"):
        load_variables(write(tmp_path, "- a\n", "v.yml"))
