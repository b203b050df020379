"""How a run looks: plain, in colour, as JSON."""

import io
import json

import pytest
from rich.console import Console

from toolkit.cli.output.jsonlines import JsonOutput
from toolkit.cli.output.sink import Output
from toolkit.cli.output.terminal import TerminalOutput
from toolkit.cli.output.text import TextOutput
from toolkit.playbook.results import ChangeUndone, Recap, Status, TaskDone, TaskStarted


def done(status: Status = Status.CHANGED, **fields: object) -> TaskDone:
    base: dict[str, object] = {
        "host": "h1",
        "task": "Make it",
        "index": 0,
        "module": "file",
        "place": "site.yml:3:7",
        "status": status,
    }
    return TaskDone(**{**base, **fields})  # type: ignore[arg-type]


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def text(shown: list[str]) -> TextOutput:
    return TextOutput(lambda line, style: shown.append(line))


def run(output: Output) -> None:
    output.play("Site", ("h1", "h2"))
    output.event(TaskStarted(host="h1", task="Make it", index=0))
    output.event(done(changes=("make /etc/a",), diff=("--- a\n+++ b\n-x\n+y\n",)))
    output.event(done(Status.OK, host="h2"))
    output.event(done(Status.FAILED, index=1, task="Break", message="no", hint="try", ignored=True))
    output.event(done(index=2, task="Told", handler=True))
    output.recap([Recap(host="h1", ok=2, changed=1, seconds=0.5), Recap(host="host2", failed=1)])
    output.close()


def test_plain_lines_are_ansible_s(text: TextOutput, shown: list[str]) -> None:
    run(text)
    assert [line.rstrip("*").rstrip() for line in shown if line] == [
        "PLAY [Site]",
        "TASK [Make it]",
        "changed: [h1]",
        "  make /etc/a",
        "--- a",
        "+++ b",
        "-x",
        "+y",
        "ok: [h2]",
        "TASK [Break]",
        "failed: [h1]: no",
        "  hint: try",
        "  at site.yml:3:7",
        "...ignoring",
        "RUNNING HANDLER [Told]",
        "changed: [h1]",
        "PLAY RECAP",
        "h1    : ok=2    changed=1    unreachable=0    failed=0    skipped=0    "
        "rescued=0    ignored=0    0.50s",
        "host2 : ok=0    changed=0    unreachable=0    failed=1    skipped=0    "
        "rescued=0    ignored=0    0.00s",
    ]


def test_items_are_shown_and_their_sum_is_not(text: TextOutput, shown: list[str]) -> None:
    text.event(done(item="a"))
    text.event(done(Status.SKIPPED, item="b"))
    text.event(done(items=2))
    assert shown[2:] == ["changed: [h1] => (item=a)", "skipping: [h1] => (item=b)"]


def test_a_play_without_hosts_says_so(text: TextOutput, shown: list[str]) -> None:
    text.play("Site", ())
    assert shown[-1] == "skipping: no hosts matched"


def test_undo_says_what_it_kept(text: TextOutput, shown: list[str]) -> None:
    text.event(ChangeUndone(host="h1", change="make /a", status=Status.OK))
    text.event(
        ChangeUndone(host="h1", change="run x", status=Status.SKIPPED, message="it has no inverse")
    )
    assert shown == ["undone: [h1] make /a", "kept: [h1] run x: it has no inverse"]


def test_colours_change_no_word(text: TextOutput, shown: list[str]) -> None:
    stream = io.StringIO()
    run(TerminalOutput(Console(file=stream, force_terminal=False, width=200)))
    run(text)
    assert stream.getvalue().splitlines() == shown


def test_a_terminal_gets_colours_and_what_runs_now() -> None:
    stream = io.StringIO()
    run(
        TerminalOutput(
            Console(file=stream, force_terminal=True, width=200, color_system="standard")
        )
    )
    assert "\x1b[33mchanged: [h1]" in stream.getvalue()


def test_markup_in_a_name_is_no_markup() -> None:
    stream = io.StringIO()
    output = TerminalOutput(Console(file=stream, width=200))
    output.event(done(task="[red]x[/red]"))
    assert "TASK [[red]x[/red]]" in stream.getvalue()


def test_a_long_reason_keeps_its_lines(text: TextOutput, shown: list[str]) -> None:
    text.event(done(Status.FAILED, message="it ended with status 1: a\nb"))
    assert shown[-3:] == ["failed: [h1]: it ended with status 1: a", "b", "  at site.yml:3:7"]


def test_what_a_terminal_would_obey_is_shown_instead(text: TextOutput, shown: list[str]) -> None:
    text.event(done(changes=("make /tmp/\x1b[2Jx\r",)))
    assert shown[-1] == "  make /tmp/\\x1b[2Jx\\r"


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    run(JsonOutput(stream.write))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["kind"] for line in lines] == ["play", "task.started", *["task.done"] * 4, "recap"]
    assert lines[2]["status"] == "changed"
    assert lines[-1]["hosts"][1] == {**lines[-1]["hosts"][1], "host": "host2", "failed": 1}
