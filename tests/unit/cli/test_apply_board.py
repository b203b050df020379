"""The live table of a run on a terminal."""

from io import StringIO

from rich.console import Console

from toolkit.cli.output.terminal import SHOWN_HOSTS, Board, TerminalOutput
from toolkit.playbook.results import Recap, Status, TaskDone, TaskStarted


def shown(board: Board) -> list[str]:
    console = Console(file=StringIO(), width=200)
    with console.capture() as capture:
        console.print(board)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def started(host: str, task: str) -> TaskStarted:
    return TaskStarted(host=host, task=task, index=0)


def done(host: str, status: Status, index: int = 0) -> TaskDone:
    return TaskDone(host=host, task="t", index=index, module="m", place="", status=status)


def test_busy_hosts_the_slowest_first_and_a_sum() -> None:
    now = iter([0.0, 5.0, 6.0, 9.0])
    board = Board(lambda: next(now))
    board.play(("a", "b", "c"))
    board.event(started("b", "slow \x1b[31m"))
    board.event(started("a", "quick"))
    board.event(started("c", "last"))
    board.event(done("a", Status.CHANGED))
    board.event(done("c", Status.FAILED))
    board.event(Recap(host="c", failed=1))
    assert shown(board) == [
        "b slow \\x1b[31m 9s 0 done, 0 changed",
        "a quick 4s 1 done, 1 changed",
        "1 of 3 hosts done · 1 failed",
    ]


def test_many_hosts_are_a_number() -> None:
    board = Board(lambda: 0.0)
    names = tuple(f"h{number}" for number in range(SHOWN_HOSTS + 3))
    board.play(names)
    for name in names:
        board.event(started(name, "t"))
    assert len(shown(board)) == SHOWN_HOSTS + 1
    assert shown(board)[-1] == "and 3 more · 0 of 11 hosts done"


def test_a_lost_host_is_busy_no_more_and_one_host_needs_no_sum() -> None:
    board = Board(lambda: 0.0)
    board.play(("a",))
    board.event(started("a", "connecting"))
    board.event(done("a", Status.UNREACHABLE, index=-1))
    assert shown(board) == ["1 failed"]
    board.play(("a",))
    board.event(started("a", "t"))
    assert shown(board) == ["a t 0s 0 done, 0 changed"]


def test_lines_stay_when_the_table_goes() -> None:
    screen = StringIO()
    output = TerminalOutput(Console(file=screen, force_terminal=True, width=100, highlight=False))
    output.play("First", ("a", "b"))
    output.event(started("a", "t"))
    output.event(done("a", Status.OK))
    output.event(Recap(host="a", ok=1))
    output.recap([Recap(host="a", ok=1)])
    output.close()
    assert "ok: [a]" in screen.getvalue()
    assert "PLAY RECAP" in screen.getvalue().rsplit("\x1b[?25h", 1)[-1]
