"""One play on one host: conditions, loops, results, handlers, failures, check mode."""

import pytest

from support.plays import jot, run_tasks
from toolkit.playbook.results import Status


def test_a_second_run_changes_nothing() -> None:
    first = run_tasks(jot("/etc/a"))
    second = run_tasks(jot("/etc/a"), host=first.host)
    assert (first.statuses, second.statuses) == (["changed"], ["ok"])
    assert (first.recap.ok, first.recap.changed, second.recap.changed) == (1, 1, 0)


def test_arguments_are_rendered_with_what_is_known() -> None:
    task = jot("/etc/{{ name }}", "{{ a }}-{{ ansible_system }}-{{ inventory_hostname }}")
    ran = run_tasks(
        task,
        vars={"name": "n", "a": "{{ b }}", "b": 7},
        magic={"inventory_hostname": "h1"},
    )
    assert ran.text("/etc/n") == "7-x-h1"


def test_an_undefined_name_fails_the_task_and_says_which() -> None:
    ran = run_tasks(jot("/etc/a", "{{ nope }}"), jot("/etc/b"))
    assert ran.statuses == ["failed"]
    assert ran.done[0].message == "'{{ nope }}': 'nope' is undefined"
    assert ran.host.files.stat("/etc/b") is None


def test_a_wrong_argument_is_found_after_rendering() -> None:
    task = {**jot("/etc/a"), "args": {"path": "/etc/a", "fails": "{{ word }}"}}
    ran = run_tasks(task, vars={"word": "perhaps"})
    assert ran.statuses == ["failed"]
    assert "fails" in ran.done[0].message


def test_when_decides() -> None:
    ran = run_tasks(
        jot("/etc/a", when=["x == 1", True]),
        jot("/etc/b", when=["x == 2"]),
        jot("/etc/c", when=["y is defined"]),
        vars={"x": 1},
    )
    assert ran.statuses == ["changed", "skipped", "skipped"]
    assert ran.recap.skipped == 2


def test_a_condition_must_be_true_or_false() -> None:
    ran = run_tasks(jot("/etc/a", when=["x"]), vars={"x": "text"})
    assert ran.done[0].message == "the condition 'x' is neither true nor false, but 'text'"
    assert "| bool" in ran.done[0].hint


def test_a_loop_runs_each_item() -> None:
    task = jot("/etc/{{ item }}", loop=["a", "b"], register="made")
    after = jot("/etc/sum", "{{ made.results | length }} {{ made.results[1].item }}")
    ran = run_tasks(task, after)
    assert [event.item for event in ran.done] == ["a", "b", None, None]
    assert ran.done[2].items == 2
    assert ran.text("/etc/sum") == "2 b"
    assert ran.recap.ok == 2


def test_a_loop_s_condition_sees_the_item() -> None:
    ran = run_tasks(
        jot("/etc/{{ item }}", loop="{{ names }}", when=["item != 'a'"]), vars={"names": ["a", "b"]}
    )
    assert [event.status.value for event in ran.done] == ["skipped", "changed", "changed"]


def test_an_undefined_loop_does_not_matter_where_the_condition_is_false() -> None:
    ran = run_tasks(
        jot("/etc/a", loop="{{ nope }}", when=["false"]), jot("/etc/b", loop="{{ nope }}")
    )
    assert ran.statuses == ["skipped", "failed"]


def test_a_loop_over_nothing_is_skipped() -> None:
    ran = run_tasks(
        jot("/etc/a", loop=[], register="r"),
        jot("/etc/b", "{{ r.results | length }}", when=["r is skipped"]),
    )
    assert ran.statuses == ["skipped", "changed"]
    assert ran.text("/etc/b") == "0"


def test_a_loop_over_text_is_refused() -> None:
    ran = run_tasks(jot("/etc/a", loop="{{ x }}"), vars={"x": "abc"})
    assert ran.done[0].message == "a loop goes over a list, not over 'abc'"


def test_results_can_be_registered_and_tested() -> None:
    ran = run_tasks(
        jot("/etc/a", register="first"),
        jot("/etc/b", "{{ first.path }}", when=["first is changed"]),
        jot("/etc/no", register="off", when=["false"]),
        jot("/etc/c", "{{ off.skip_reason }}", when=["off is skipped"]),
        jot("/etc/d", "{{ ansible_jotted }}"),
    )
    assert ran.text("/etc/b") == "/etc/a"
    assert ran.text("/etc/c") == "Conditional result was False"
    assert ran.text("/etc/d") == "Conditional result was False"


def test_what_a_host_reports_is_never_rendered() -> None:
    ran = run_tasks(
        jot("/etc/{% raw %}{{ x }}{% endraw %}", register="r"), jot("/etc/b", "{{ r.path }}")
    )
    assert ran.text("/etc/b") == "/etc/{{ x }}"


def test_handlers_run_once_at_the_end_in_their_order() -> None:
    ran = run_tasks(
        jot("/etc/a", notify=["second", "first"]),
        jot("/etc/b", notify=["first"]),
        jot("/etc/c", notify=["third"], when=["false"]),
        handlers=[
            {**jot("/etc/h1"), "name": "first"},
            {**jot("/etc/h2"), "name": "second"},
            {**jot("/etc/h3"), "name": "third"},
        ],
    )
    assert [event.task for event in ran.done if event.handler] == ["first", "second"]
    assert ran.recap.pending == ()


def test_a_failure_stops_the_host_and_keeps_what_was_done() -> None:
    ran = run_tasks(
        jot("/etc/a", notify=["h"]),
        jot("/etc/b", fails=True),
        jot("/etc/c"),
        handlers=[{**jot("/etc/h"), "name": "h"}],
    )
    assert ran.statuses == ["changed", "failed"]
    assert (ran.done[1].message, ran.done[1].hint) == ("it fails", "as told")
    assert ran.text("/etc/b") == "x"
    assert ran.recap.status is Status.FAILED
    assert ran.recap.pending == ("h",)


def test_an_ignored_failure_goes_on() -> None:
    ran = run_tasks(
        jot("/etc/a", fails=True, ignore_errors=True, register="r"),
        jot("/etc/b", when=["r is failed"]),
    )
    assert ran.statuses == ["failed", "changed"]
    assert (ran.recap.failed, ran.recap.ignored, ran.recap.ok) == (0, 1, 2)
    assert ran.done[0].ignored


def test_ignore_errors_may_be_an_expression() -> None:
    ran = run_tasks(jot("/etc/a", fails=True, ignore_errors="{{ no }}"), vars={"no": False})
    assert ran.recap.failed == 1


def test_changed_when_and_failed_when_have_the_last_word() -> None:
    ran = run_tasks(
        jot("/etc/a", changed_when=[False], notify=["h"]),
        jot("/etc/b", register="r", failed_when=["r.path == '/etc/b'", "r.changed"]),
        handlers=[{**jot("/etc/h"), "name": "h"}],
    )
    assert ran.statuses == ["ok", "failed"]


def test_failed_when_may_forgive_a_module_that_failed() -> None:
    ran = run_tasks(
        jot("/etc/a", fails=True, register="r", failed_when=["r.msg != 'it fails'"]),
        jot("/etc/b", "{{ r.msg }}", when=["not r.failed"]),
    )
    assert ran.statuses == ["changed", "changed"]
    assert ran.text("/etc/b") == "it fails"


def test_a_notified_handler_whose_name_is_rendered_must_exist() -> None:
    handler = {**jot("/etc/h"), "name": "tell"}
    ran = run_tasks(jot("/etc/a", notify=["{{ x }}"]), vars={"x": "tell"}, handlers=[handler])
    assert ran.statuses == ["changed", "changed"]
    ran = run_tasks(jot("/etc/a", notify=["{{ x }}"]), vars={"x": "tall"}, handlers=[handler])
    assert ran.statuses == ["failed"]
    assert (ran.done[0].message, ran.done[0].hint) == (
        "there is no handler 'tall'",
        "did you mean 'tell'?",
    )
    assert ran.done[0].changes


def test_check_mode_changes_nothing_and_later_tasks_see_the_plan() -> None:
    ran = run_tasks(
        jot("/etc/a", "1"), jot("/etc/a", "1"), jot("/etc/a", "2"), check=True, diff=True
    )
    assert ran.statuses == ["changed", "ok", "changed"]
    assert ran.host.files.stat("/etc/a") is None
    assert "-1\n+2\n" in ran.done[2].diff[0]


def test_a_task_may_insist_on_or_refuse_check_mode() -> None:
    ran = run_tasks(jot("/etc/a", check_mode=True), jot("/etc/b"))
    assert ran.host.files.stat("/etc/a") is None
    assert ran.host.files.stat("/etc/b") is not None
    checked = run_tasks(jot("/etc/c", check_mode=False), check=True)
    assert checked.host.files.stat("/etc/c") is not None


def test_no_log_hides_everything_that_could_hold_the_secret() -> None:
    ran = run_tasks(
        jot("/etc/{{ item }}", "s3cret", no_log=True, loop=["s3cret-item"]),
        jot("/etc/b", "{{ nope }}s3cret", no_log=True),
        diff=True,
    )
    assert "s3cret" not in repr(ran.events)


def test_task_variables_last_for_the_task() -> None:
    ran = run_tasks(
        jot("/etc/a", "{{ v }}", vars={"v": "task"}), jot("/etc/b", "{{ v }}"), vars={"v": "play"}
    )
    assert (ran.text("/etc/a"), ran.text("/etc/b")) == ("task", "play")


def test_extra_variables_win_over_all() -> None:
    ran = run_tasks(
        jot("/etc/a", "{{ v }}", vars={"v": "task"}), vars={"v": "play"}, extra={"v": "e"}
    )
    assert ran.text("/etc/a") == "e"


def test_omit_leaves_an_argument_out() -> None:
    omit = "__omit_place_holder__"
    ran = run_tasks(jot("/etc/a", "{{ v | default(omit) }}"), magic={"omit": omit})
    assert ran.text("/etc/a") == ""


@pytest.mark.parametrize("expression", ["{{ a }}", "{{ b | default('x') }}"])
def test_a_variable_defined_by_itself_is_told(expression: str) -> None:
    ran = run_tasks(jot("/etc/a", expression), vars={"a": "{{ b }}", "b": "{{ a }}"})
    assert ran.statuses == ["failed"]
    assert "defined by itself" in ran.done[0].message


def test_the_recap_names_the_checks_that_prove_the_tasks() -> None:
    assert run_tasks(jot("/etc/a")).recap.proves == ("CAP-01",)
