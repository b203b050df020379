"""Names that nothing defines, and everything that must not be taken for one."""

from pathlib import Path

import pytest

from toolkit.playbook.compiler import Selection
from toolkit.playbook.faults import PlaybookError
from toolkit.playbook.loader import load
from toolkit.playbook.undefined import check_names

HEAD = "- hosts: all\n  vars: {port: 80, rows: [1]}\n  tasks:\n"


def told(folder: Path, tasks: str, head: str = HEAD, **files: str) -> list[str]:
    for name, text in {"site.yml": head + tasks, **files}.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    try:
        check_names(load(str(folder / "site.yml")), Selection(), {"from_inventory"})
    except PlaybookError as error:
        return [f"{fault.place.line}: {fault.message} {fault.hint}" for fault in error.faults]
    return []


@pytest.mark.parametrize(
    "task",
    [
        'debug: {msg: "{{ prot }}"}',
        'debug: {msg: "{{ prot.x[0] | int + 1 }}"}',
        "debug: {msg: x}\n      when: prot == 1 and other",
        'debug: {msg: "{{ item }}"}\n      loop: "{{ prot }}"',
        'copy: {content: "{% for x in prot %}{{ x }}{% endfor %}", dest: /x}',
    ],
)
def test_a_name_that_nothing_defines(tmp_path: Path, task: str) -> None:
    assert told(tmp_path, f"    - {task}\n") == ["4: nothing defines 'prot' did you mean 'port'?"]


@pytest.mark.parametrize(
    "tasks",
    [
        'debug: {msg: "{{ port }} {{ from_inventory }} {{ ansible_anything }} {{ omit }}"}',
        'debug: {msg: "{{ x | default(1) }} {{ x is defined }} {{ y.z | d(2) }}"}',
        'debug: {msg: "{{ x if port == 81 else 2 }} {{ port or x }} {{ [x] }}"}',
        'debug: {msg: "{{ 1 | ternary(2, x) }}"}',
        'debug: {msg: "{% if false %}{{ x }}{% endif %}{% set v = 1 %}{{ v }}"}',
        'debug: {msg: "{{ x }}"}\n      when: x is defined',
        'debug: {msg: "{{ x }}"}\n      loop: []',
        'debug: {msg: "{{ x }}"}\n      ignore_errors: true',
        "debug: {var: x}",
        'debug: {msg: "{{ x }}", verbosity: 2}',
        'debug: {msg: "{{ x }}"}\n      tags: never',
        'debug: {msg: "{{ x }}"}\n      vars: {x: 1}',
        'block: [{debug: {msg: "{{ x }}"}}]\n      rescue: [{debug: {}}]',
        'set_fact: {x: 1}\n    - debug: {msg: "{{ x }}"}',
        'command: id\n      register: x\n    - debug: {msg: "{{ x.rc }}"}',
        'debug: {msg: "{{ i }}"}\n      loop: [1]\n      loop_control: {loop_var: i}',
        'debug: {msg: "{{ n }}"}\n      loop: [1]\n      loop_control: {index_var: n}',
        'set_fact: {"{{ port }}": 1}\n    - debug: {msg: "{{ x }}"}',
        'meta: end_play\n    - debug: {msg: "{{ x }}"}',
        "debug: {msg: \"{{ range(3) | list }} {{ lookup('env', x) }} {{ dict(a=1) }}\"}",
        'debug: {msg: !unsafe "{{ x }}"}',
    ],
)
def test_what_may_be_defined_or_never_looked_at(tmp_path: Path, tasks: str) -> None:
    assert told(tmp_path, f"    - {tasks}\n") == []


def test_templates_are_looked_at_too(tmp_path: Path) -> None:
    loop, macro = "{% for r in rows %}{{ r }}{% endfor %}", "{% macro m(a) %}{{ a }}{% endmacro %}"
    template = f"{loop}\n{macro}\n{{{{ prot }}}}\n"
    found = told(tmp_path, "    - template: {src: a, dest: /t}\n", templates__a=template)
    assert found == ["3: nothing defines 'prot' did you mean 'port'?"]


def test_roles_and_included_files_define_names(tmp_path: Path) -> None:
    head = "- hosts: all\n  roles: [{role: r, param: 1}]\n  tasks:\n"
    tasks = '    - debug: {msg: "{{ a }} {{ b }} {{ param }} {{ later }}"}\n'
    tasks += "    - include_tasks: i.yml\n"
    files = {
        "roles__r__defaults__main.yml": "{a: 1}\n",
        "roles__r__vars__main.yml": "{b: 1}\n",
        "roles__r__tasks__main.yml": "- debug: {}\n",
        "i.yml": "- set_fact: {later: 1}\n",
    }
    assert told(tmp_path, tasks, head, **files) == []


def test_every_name_is_told_at_once(tmp_path: Path) -> None:
    tasks = '    - debug: {msg: "{{ one }}"}\n    - debug: {msg: "{{ two }} {{ one }}"}\n'
    assert [line.strip() for line in told(tmp_path, tasks)] == [
        "4: nothing defines 'one'",
        "5: nothing defines 'one'",
        "5: nothing defines 'two'",
    ]
