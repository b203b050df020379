import re
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.root

Spawn = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def spawn(home: Path, entry: tuple[str, ...]) -> Spawn:
    del home

    def start(*words: str) -> "pexpect.spawn[str]":
        program, *rest = entry
        return pexpect.spawn(
            program, [*rest, *words], dimensions=(30, 100), encoding="utf-8", timeout=90
        )

    return start


def end(process: "pexpect.spawn[str]") -> int | None:
    process.expect(pexpect.EOF)
    process.close()
    return process.exitstatus


@pytest.mark.parametrize("extra", [("--rm",), ()])
def test_a_terminal_follows_the_callers(spawn: Spawn, extra: tuple[str, ...]) -> None:
    shell = spawn("run", *extra, "-it", "host", "sh")
    shell.expect("# ")
    shell.sendline("stty size; tty; echo TERM-$TERM")
    shell.expect("30 100")
    shell.expect("/dev/pts/0")
    shell.expect("TERM-xterm")
    script = "trap 'echo now-$(stty size)' WINCH; echo up-$((1+1)); while :; do sleep 0.1; done"
    shell.sendline(f'sh -c "{script}"'.replace("$", "\\$"))
    shell.expect("up-2")
    shell.setwinsize(40, 120)
    shell.expect("now-40 120")
    shell.sendintr()
    shell.expect("# ")  # the interrupt drops what is typed before the shell is back
    shell.sendline("exit 7")
    assert end(shell) == 7


def test_ctrl_c_reaches_the_container_not_the_caller(spawn: Spawn) -> None:
    shell = spawn("run", "--rm", "-it", "host", "sh")
    shell.expect("# ")
    script = "trap 'echo caught; exit' INT; echo up-$((1+1)); while :; do sleep 0.1; done"
    shell.sendline(f'sh -c "{script}"'.replace("$", "\\$"))
    shell.expect("up-2")
    shell.sendintr()
    shell.expect("caught")
    shell.expect("# ")
    shell.sendline("exit 3")
    assert end(shell) == 3


def test_the_callers_terminal_is_as_before(home: Path, entry: tuple[str, ...]) -> None:
    del home
    outer = pexpect.spawn("sh", dimensions=(30, 100), encoding="utf-8", timeout=90)
    words = " ".join(entry)
    outer.sendline("echo before-$(stty -g)-")
    outer.expect(r"before-([0-9a-f:]+)-")
    assert isinstance(outer.match, re.Match)
    before = outer.match.group(1)
    outer.sendline(f"{words} run --rm -it host sh -c 'exit 4'; echo status-$?")
    outer.expect("status-4")
    outer.sendline("echo after-$(stty -g)-")
    outer.expect(r"after-([0-9a-f:]+)-")
    assert isinstance(outer.match, re.Match)
    assert outer.match.group(1) == before
    outer.sendline("exit")
    end(outer)


def test_exec_in_a_terminal(spawn: Spawn) -> None:
    assert end(spawn("run", "-d", "--name", "web", "host", "sleep", "100")) == 0
    shell = spawn("exec", "-it", "web", "sh")
    shell.expect("# ")
    shell.sendline("stty size; exit 6")
    shell.expect("30 100")
    assert end(shell) == 6
    assert end(spawn("rm", "-f", "web")) == 0


def test_without_a_terminal_there_is_none_inside(spawn: Spawn) -> None:
    plain = spawn("run", "--rm", "host", "sh", "-c", "test -t 0 || test -t 1 || echo none")
    plain.expect("none")
    assert end(plain) == 0
