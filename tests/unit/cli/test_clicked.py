import click
import pytest
from click.testing import CliRunner

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.main import dockyard
from toolkit.cli.verb import Call, Flag, Verb

SEEN: list[Call] = []


def act(call: Call) -> int:
    SEEN.append(call)
    click.echo("done")
    return 7


VERB = Verb(
    name="run",
    usage="[FLAGS] IMAGE",
    summary="Do it.",
    flags=(Flag(names=("-h", "--hostname"), metavar="NAME", help="Name the host"),),
    act=act,
    greedy=True,
)


def test_the_line_reaches_the_verb_as_it_is() -> None:
    result = CliRunner().invoke(VerbCommand(VERB), ["-h", "web", "box", "--help", "-x"])
    assert result.exit_code == 7
    assert result.stdout == "done\n"
    assert SEEN[-1].text("hostname") == "web"
    assert SEEN[-1].args == ("box", "--help", "-x")


def test_help_is_clicks() -> None:
    result = CliRunner().invoke(VerbCommand(VERB), ["--help"])
    assert result.exit_code == 0
    assert "Usage: run [FLAGS] IMAGE" in result.stdout
    assert "-h, --hostname NAME" in result.stdout
    assert "--data-root DIR" in result.stdout


@pytest.mark.parametrize(
    "name",
    "run create start ps exec logs stop kill rm wait inspect nsenter".split(),  # noqa: SIM905 - words
)
def test_every_command_is_in_the_tree(name: str) -> None:
    result = CliRunner().invoke(dockyard, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"dockyard {name} " in result.stdout


def test_a_bad_flag_is_one_line_a_hint_and_125() -> None:
    result = CliRunner().invoke(dockyard, ["ps", "--al"])
    assert result.exit_code == 125
    assert result.stderr == "dockyard: unknown flag: --al\nhint: did you mean '--all'?\n"
