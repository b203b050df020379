"""``dockyard doc``."""

from click.testing import CliRunner

from toolkit.cli.commands.doc import command
from toolkit.core.errors import NotFoundError
from toolkit.playbook import manual


def test_all_modules_are_listed_with_a_sentence() -> None:
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) == len(manual.names())
    assert "lineinfile" in done.output


def test_one_module_is_shown_with_its_arguments() -> None:
    done = CliRunner().invoke(command, ["ansible.builtin.sysctl"])
    assert done.output.startswith("sysctl (holds)\n\nHold one kernel parameter")
    assert "  name, key\n      text; needed\n" in done.output
    assert "proves: HOST-FORWARD-14" in done.output


def test_what_is_asked_wrongly_is_told() -> None:
    both = CliRunner().invoke(command, ["--markdown", "copy"])
    assert both.exit_code == 2
    unknown = CliRunner().invoke(command, ["copyy"])
    assert isinstance(unknown.exception, NotFoundError)
    assert CliRunner().invoke(command, ["--markdown"]).output == manual.markdown()
