"""What playbooks are made of, from the YAML to what a host does."""

from pathlib import Path
from typing import Any

import pytest

from support.plays import Ran, messages, run_site
from toolkit.playbook.faults import PlaybookError
from toolkit.playbook.results import Status


def shown(ran: Ran) -> list[str]:
    assert ran.recap.status is not Status.FAILED, [event.message for event in ran.done]
    return messages(ran)


def test_a_block_is_rescued_and_always_ends(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - block:
            - fail: {msg: why}
            - debug: msg=never
          rescue:
            - debug: msg="{{ ansible_failed_task.name }} {{ ansible_failed_result.msg }}"
          always:
            - debug: msg=always
        - debug: msg=after
        """,
    )
    assert shown(ran) == ["fail why", "always", "after"]
    assert (ran.recap.failed, ran.recap.rescued, ran.recap.ok) == (0, 1, 3)


def test_a_failed_rescue_stops_the_host_after_always(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - block: [{fail: {}}]
          rescue: [{fail: {msg: again}}]
          always: [{debug: {msg: always}}]
        - debug: msg=never
        """,
    )
    assert messages(ran) == ["always"]
    assert ran.recap.failed == 1


def test_a_block_hands_down_its_keywords(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - block:
            - debug: msg="{{ v }}{{ w }}"
            - debug: msg=never
              when: v == 2
            - debug: msg="{{ v }}"
              vars: {v: 3}
          when: w == 7
          vars: {v: 1}
        - block: [{debug: {msg: never}}]
          when: w == 8
        """,
        play="  vars: {w: 7}\n",
    )
    assert [text for text in shown(ran) if text] == ["17", "3"]
    assert ran.recap.skipped == 2


ROLE = {
    "roles/web/defaults/main.yml": "port: 80\nname: web\n",
    "roles/web/vars/main.yml": "kind: role\n",
    "roles/web/meta/main.yml": "dependencies: [{role: base, level: 2}]\n",
    "roles/web/tasks/main.yml": """\
        - debug: msg="{{ role_name }} {{ port }} {{ kind }} {{ level }}"
        - template: {src: conf.j2, dest: /etc/web}
          notify: tell
        - import_tasks: more.yml
        """,
    "roles/web/tasks/more.yml": "- debug: msg=more\n",
    "roles/web/tasks/other.yml": '- debug: msg="other {{ port }}"\n',
    "roles/web/handlers/main.yml": "- name: tell\n  debug: msg=told\n",
    "roles/web/templates/conf.j2": "{{ name }}:{{ port }}\n{% include 'part.j2' %}",
    "roles/web/templates/part.j2": "part",
    "roles/base/tasks/main.yml": '- debug: msg="base {{ level }}"\n',
}


def test_a_role_brings_what_it_holds(tmp_path: Path) -> None:
    ran = run_site(tmp_path, "- debug: msg=task", ROLE, play="  roles: [{role: web, port: 81}]\n")
    # A role's parameters are its dependencies' only where they are named.
    assert messages(ran)[0] == "base 2"
    assert ran.recap.status is Status.FAILED
    files = {**ROLE, "roles/base/defaults/main.yml": "level: 1\n"}
    ran = run_site(tmp_path, "- debug: msg=task", files, play="  roles: [{role: web, port: 81}]\n")
    assert shown(ran) == ["base 2", "web 81 role 1", "more", "task", "told"]
    assert ran.text("/etc/web") == "web:81\npart"


def test_a_role_runs_once_unless_it_differs(tmp_path: Path) -> None:
    files = {"roles/r/tasks/main.yml": '- debug: msg="{{ p | default(0) }}"\n'}
    ran = run_site(tmp_path, "[]", files, play="  roles: [r, r, {role: r, p: 1}]\n")
    assert shown(ran) == ["0", "1"]


def test_roles_are_included_and_imported(tmp_path: Path) -> None:
    files = {**ROLE, "roles/base/defaults/main.yml": "level: 1\n"}
    ran = run_site(
        tmp_path,
        """\
        - include_role: {name: web, tasks_from: other}
          vars: {port: "{{ item }}"}
          loop: [1, 2]
        - import_role: {name: base}
          vars: {level: 9}
        - include_role: {name: "{{ 'ba' ~ 'se' }}"}
        """,
        files,
    )
    assert shown(ran) == ["base 2", "other 1", "base 2", "other 2", "base 9", "base 1"]


def test_files_are_included_by_names_that_only_the_host_knows(tmp_path: Path) -> None:
    files = {
        "part-a.yml": '- debug: msg="a {{ item }} {{ w }}"\n',
        "part-b.yml": "- debug: msg=b\n- include_tasks: part-a.yml\n  vars: {item: x, w: y}\n",
    }
    ran = run_site(
        tmp_path,
        """\
        - include_tasks: "part-{{ kind }}.yml"
          vars: {w: 1}
          loop: [3, 4]
        - include_tasks: part-b.yml
        - include_tasks: {file: part-a.yml, apply: {vars: {item: i}, tags: [t]}}
          vars: {w: 2}
          when: false
        """,
        files,
        variables={"kind": "a"},
    )
    assert shown(ran) == ["a 3 1", "a 4 1", "b", "a x y"]
    ran = run_site(tmp_path, '- include_tasks: "part-{{ kind }}.yml"', files, variables={"kind": 7})
    assert ran.done[0].message == "'part-7.yml' was not among what could be included"


def test_an_include_may_include_itself(tmp_path: Path) -> None:
    files = {
        "down.yml": """\
        - debug: msg="{{ n }}"
        - include_tasks: down.yml
          vars: {n: "{{ left }}"}
          when: left | int > 0
        """
    }
    ran = run_site(
        tmp_path,
        """\
        - set_fact: {left: 0}
        - include_tasks: down.yml
          vars: {n: 1}
        """,
        files,
    )
    assert shown(ran) == ["1"]


@pytest.mark.parametrize(
    ("loop", "items"),
    [
        ("with_items: [1, [2, 3], [[4]]]", "[1, 2, 3, [4]]"),
        ("with_list: [1, [2]]", "[1, [2]]"),
        ("with_dict: {a: 1}", "[{'key': 'a', 'value': 1}]"),
        ("with_together: [[1, 2], [3]]", "[[1, 3], [2, None]]"),
        ("with_nested: [[1, 2], [3]]", "[[1, 3], [2, 3]]"),
        ("with_indexed_items: [a, b]", "[[0, 'a'], [1, 'b']]"),
        ("with_flattened: [1, [2, [3]]]", "[1, 2, 3]"),
        ("with_sequence: start=1 end=5 stride=2 format=n%02d", "['n01', 'n03', 'n05']"),
        ("with_sequence: count=2", "['1', '2']"),
        ("with_subelements: [[{n: 1, l: [a, b]}], l]", "['a', 'b']"),
        ("loop: \"{{ {'a': 1} | dict2items }}\"", "[{'key': 'a', 'value': 1}]"),
        ("loop: []", "[]"),
    ],
)
def test_loops(tmp_path: Path, loop: str, items: str) -> None:
    shows = "{{ item[1] }}" if "sube" in loop else "{{ item }}"
    ran = run_site(
        tmp_path,
        f"""\
        - set_fact: {{x: "{shows}"}}
          register: r
          {loop}
        - debug: msg="{{{{ r.results | map(attribute='ansible_facts.x') | list | string }}}}"
        """,
    )
    assert shown(ran)[-1] == items


def test_loop_control_names_shows_and_counts(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - debug: msg="{{ i }} {{ o }} {{ ansible_loop.last }} {{ ansible_loop.length }}"
          loop: [a, b]
          loop_control: {loop_var: o, index_var: i, extended: true, label: "<{{ o }}>"}
          register: r
        - debug: msg="{{ r.results[1].o }} {{ r.results[1].ansible_loop_var }}"
        """,
    )
    assert [event.item for event in ran.done if event.item] == ["<a>", "<b>"]
    assert shown(ran)[:2] == ["0 a False 2", "1 b True 2"]
    assert shown(ran)[-1] == "b o"


def test_until_tries_again(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - set_fact: {n: "{{ (n | default(0)) + 1 }}"}
          register: r
          until: r.ansible_facts.n == 3
          retries: 5
          delay: 0
        - debug: msg="{{ r.attempts }} {{ n }}"
        - fail: {}
          retries: 1
          delay: 0
          register: f
          ignore_errors: true
        - debug: msg="{{ f.attempts }}"
        """,
    )
    assert shown(ran) == ["3 3", "1"]


def test_handlers_listen_flush_and_keep_their_order(tmp_path: Path) -> None:
    handlers = """\
  handlers:
    - {name: one, listen: topic, debug: {msg: one}}
    - {name: two, listen: [topic, other], debug: {msg: two}, changed_when: true, notify: last}
    - {name: last, debug: {msg: last}}
"""
    ran = run_site(
        tmp_path,
        """\
        - {debug: {msg: a}, changed_when: true, notify: topic}
        - meta: flush_handlers
        - {debug: {msg: b}, changed_when: true, notify: [last, one]}
        """,
        play=handlers,
    )
    assert shown(ran) == ["a", "one", "two", "last", "b", "one", "last"]


def test_sections_run_in_order_with_handlers_between(tmp_path: Path) -> None:
    play = """\
  pre_tasks: [{debug: {msg: pre}, changed_when: true, notify: h}]
  post_tasks: [{debug: {msg: post}}]
  handlers: [{name: h, debug: {msg: handler}}]
"""
    ran = run_site(tmp_path, "- {debug: {msg: task}, changed_when: true, notify: h}", play=play)
    assert shown(ran) == ["pre", "handler", "task", "handler", "post"]


def test_what_ends_a_play_early(tmp_path: Path) -> None:
    ran = run_site(tmp_path, "- meta: end_host\n- fail: {}\n")
    assert (ran.recap.ended, ran.recap.failed) == ("host", 0)
    ran = run_site(tmp_path, "- {meta: end_play, when: true}\n- fail: {}\n")
    assert ran.recap.ended == "play"
    files = {"roles/r/tasks/main.yml": "- meta: end_role\n- fail: {}\n"}
    ran = run_site(tmp_path, "- include_role: {name: r}\n- debug: msg=on\n", files)
    assert shown(ran) == ["on"]


def test_arguments_in_one_line(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - file: path=/srv/x state=directory mode="0750"
        - copy: content='a b' dest={{ where }}/y
        - action: debug msg="by action"
        - debug: {}
          args: {msg: by args}
        - command: echo "a  b" creates=/srv/x/y
          register: r
        - debug: var=r.msg
        """,
        variables={"where": "/srv/x"},
    )
    assert ran.text("/srv/x/y") == "a b"
    assert shown(ran)[:2] == ["by action", "by args"]
    assert "Did not run command since '/srv/x/y' exists" in shown(ran)[2]


def test_module_defaults_fill_in(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - copy: {content: x, dest: /srv/a}
        - block: [{copy: {content: x, dest: /srv/b}}, {copy: {content: x, dest: /srv/c, mode: "1"}}]
          module_defaults: {ansible.builtin.copy: {mode: "0600"}}
        """,
        play='  module_defaults: {copy: {mode: "0640"}}\n',
    )
    modes = [ran.host.files.stat(f"/srv/{name}") for name in "abc"]
    assert [found.mode for found in modes if found] == [0o640, 0o600, 1]


def test_variables_of_files_and_of_include_vars(tmp_path: Path) -> None:
    files = {
        "vars/Debian.yml": "os: deb\n",
        "more.yml": "x: 1\n",
        "all/a.yml": "p: 1\n",
        "all/b.yml": "q: 2\n",
    }
    ran = run_site(
        tmp_path,
        """\
        - include_vars: "{{ family }}.yml"
        - include_vars: {file: more.yml, name: box}
        - include_vars: {dir: all}
        - debug: msg="{{ os }} {{ box.x }} {{ p }} {{ q }} {{ late }}"
        """,
        {**files, "vars/late-7.yml": "late: 7\n"},
        variables={"family": "Debian", "n": 7},
        play='  vars_files: ["vars/late-{{ n }}.yml"]\n',
    )
    assert shown(ran) == ["deb 1 1 2 7"]


def test_set_facts_are_values_and_outlive_the_task(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - set_fact: {a: "{{ [1, 2] }}", b: yes, cacheable: true}
        - debug: msg="{{ a | sum }} {{ b }} {{ ansible_facts.a }} {{ vars['a'][0] }}"
        - meta: clear_facts
        - debug: msg="{{ ansible_facts.a is defined }} {{ a is defined }}"
        """,
    )
    assert shown(ran) == ["3 True [1, 2] 1", "False True"]


def test_assertions(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - assert: {that: [n == 1, n < 2], success_msg: good}
        - assert: {that: n == 2, fail_msg: bad}
          ignore_errors: true
          register: r
        - debug: msg="{{ r.msg }} {{ r.assertion }} {{ r.evaluated_to }}"
        """,
        variables={"n": 1},
    )
    assert shown(ran) == ["bad n == 2 False"]


def test_check_mode_never_takes_a_command_as_run(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - command: cat /etc/version
          register: r
        - debug: msg=decided
          when: r.rc == 0
        - debug: msg="{{ r is skipped }}"
        """,
        check=True,
    )
    assert ran.statuses == ["skipped", "skipped", "ok"]
    assert "check mode cannot foresee 'rc'" in ran.done[1].message
    assert messages(ran)[-1] == "true"


def test_become_and_environment_reach_the_host(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - command: id
          become: true
          become_user: "{{ who }}"
          environment: [{A: "{{ 1 }}"}, {B: x, A: 2}]
        """,
        variables={"who": "web"},
        play="  environment: {C: y}\n",
    )
    assert ran.host.acted[0] == ("web", {"A": "2", "B": "x", "C": "y"})


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ("- import_tasks: no.yml", "there is no file 'no.yml'"),
        ("- include_tasks: no.yml", "there is no file 'no.yml'"),
        ("- include_role: {name: wbe}", "there is no role 'wbe' (did you mean 'web'?)"),
        ("- import_tasks: '{{ x }}.yml'", "must be known before the play runs"),
        ("- import_tasks: a.yml\n  loop: [1]", "'loop' cannot be used with import_tasks"),
        (
            "- meta: flush_handler",
            "unknown action 'flush_handler' (did you mean 'flush_handlers'?)",
        ),
        ("- {rescue: [], always: []}", "need a 'block' that they belong to"),
        ("- {debug: {}, loop: [1], with_items: [1]}", "a second loop, 'with_items', beside 'loop'"),
        ("- {debug: {}, with_things: [1]}", "there is no loop 'with_things'"),
        ("- {debug: {}, loop_control: {lop_var: x}}", "unknown key 'lop_var'"),
        ("- {debug: {}, become_method: su}", "'su' is not supported (use sudo)"),
        ("- {debug: {}, notify: nobody}", "there is no handler 'nobody'"),
        ("- {debug: {mgs: x}}", "debug: 'mgs': unknown key (did you mean 'msg'?)"),
        ("- {assert: {that: 'a =='}}", "not a valid expression"),
        ("- include_vars: no.yml", "there is no file 'no.yml'"),
        ("- {debug: {}, serial: 1}", "unknown task keyword 'serial' (it belongs to a play)"),
        ("- import_tasks: me.yml", "it imports itself"),
    ],
)
def test_faults_are_told_before_anything_is_touched(tmp_path: Path, tasks: str, said: str) -> None:
    files = {"a.yml": "[]", "me.yml": "- import_tasks: me.yml", "roles/web/tasks/main.yml": "[]"}
    with pytest.raises(PlaybookError) as caught:
        run_site(tmp_path, tasks, files)
    assert said in caught.value.message


def test_plays_of_other_files_are_imported(tmp_path: Path) -> None:
    from toolkit.playbook.loader import load  # noqa: PLC0415 - beside its one use

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/one.yml").write_text("- hosts: web\n  tasks: [{import_tasks: t.yml}]\n")
    (tmp_path / "sub/t.yml").write_text("- debug: {}\n")
    site = tmp_path / "site.yml"
    site.write_text("- import_playbook: sub/one.yml\n  vars: {a: 1}\n  tags: x\n  when: a == 1\n")
    (play,) = load(str(site)).plays
    (task,) = play.every_task()
    assert (play.hosts, play.vars, play.tags) == ("web", {"a": 1}, ("x",))
    assert task.words["when"] == ("a == 1",)


class Controller:
    """Answers what a play asks, and keeps it."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = answers

    def __call__(self, what: Any, body: bytes = b"") -> Any:
        self.asked.append({**what, "body": body})
        answer = self._answers.get(what["do"].replace(".", "_"), {})
        return answer(what) if callable(answer) else answer


def test_a_task_is_delegated_with_its_arguments_rendered(tmp_path: Path) -> None:
    said = {"registered": {"changed": True, "rc": 0}, "changes": ["run x"]}
    ask = Controller(delegate=said)
    ran = run_site(
        tmp_path,
        """\
        - command: echo {{ inventory_hostname }}
          delegate_to: "{{ other }}"
          register: r
        - debug: msg="{{ r.rc }}"
        - command: here
          delegate_to: h1
        """,
        variables={"other": "h2"},
        ask=ask,
    )
    (asked,) = ask.asked
    assert (asked["host"], asked["args"]["_raw_params"]) == ("h2", "echo h1")
    assert shown(ran) == ["0"]
    assert ran.done[0].changes == ("run x",)
    assert ran.host.executed == [("here",)]


def test_a_task_runs_once_for_all(tmp_path: Path) -> None:
    tasks = """\
        - set_fact: {x: "{{ inventory_hostname }}"}
          run_once: true
          register: r
        - debug: msg="{{ x }} {{ r.changed }}"
        """
    first = Controller(once={"run": True})
    assert shown(run_site(tmp_path, tasks, ask=first)) == ["h1 False"]
    assert first.asked[1]["facts"] == {"x": "h1"}
    told = {"registered": {"changed": False}, "facts": {"x": "h0"}, "ignored": False}
    second = run_site(tmp_path, tasks, ask=Controller(once=told))
    assert shown(second) == ["h0 False"]


def test_other_hosts_variables_are_asked_for(tmp_path: Path) -> None:
    def other(what: Any) -> Any:
        return {
            "known": {"r": {"stdout": "x"}},
            "facts": {"ansible_os_family": "Debian"},
            "inventory": {"port": "{{ base + 1 }}", "base": 7},
            "extra": {},
            "magic": {"inventory_hostname": what["host"]},
        }

    ran = run_site(
        tmp_path,
        """\
        - debug: msg="{{ hostvars['h2'].port }} {{ hostvars.h2.r.stdout }} {{ hostvars | length }}"
        - debug: msg="{{ hostvars['h2']['ansible_os_family'] }} {{ hostvars['h2'].no is defined }}"
        - debug: msg="{{ hostvars[inventory_hostname].own }}"
        - debug: msg="{{ groups.all | map('extract', hostvars, 'inventory_hostname') | join }}"
        """,
        variables={"own": 3},
        ask=Controller(hostvars=other),
        magic={"groups": {"all": ["h1", "h2"]}, "inventory_hostname": "h1"},
    )
    assert shown(ran) == ["8 x 2", "Debian False", "3", "h1h2"]


def test_controller_s_lookups_are_asked_for_once(tmp_path: Path) -> None:
    ask = Controller(lookup=lambda what: [f"{what['name']} {what['terms'][0]}"])
    ran = run_site(
        tmp_path,
        """\
        - debug: msg="{{ lookup('env', 'HOME') }} {{ lookup('env', 'HOME') }}"
        - debug: msg="{{ lookup('nope', 1) }}"
          ignore_errors: true
        """,
        ask=ask,
    )
    assert messages(ran)[0] == "env HOME env HOME"
    assert len(ask.asked) == 1
    assert "there is no lookup 'nope'" in ran.done[1].message


def test_a_handler_may_include_tasks(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - include_tasks: more.yml
        - debug: msg=
          changed_when: true
          notify: including
        """,
        {"more.yml": "- debug: msg=first\n", "handle.yml": "- debug: msg=handled\n"},
        play="  handlers: [{name: including, include_tasks: handle.yml}]\n",
    )
    assert [text for text in shown(ran) if text] == ["first", "handled"]


def test_a_loop_that_cannot_be_rendered_needs_no_items_where_its_condition_is_false(
    tmp_path: Path,
) -> None:
    ran = run_site(
        tmp_path,
        """\
        - include_tasks: more.yml
          loop: "{{ nobody }}"
          when: false
        - debug: msg=never
          loop: "{{ nobody }}"
          when: false
          register: r
        - debug: msg="{{ r.false_condition }} {{ r.results is defined }}"
        """,
        {"more.yml": "- debug: msg=never\n"},
    )
    assert shown(ran)[-1] == "False False"
    assert ran.statuses == ["skipped", "skipped", "ok"]
