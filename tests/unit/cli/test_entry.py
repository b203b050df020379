import subprocess
import sys
from importlib import import_module
from keyword import iskeyword

import pytest

from toolkit.cli import commands, entry
from toolkit.cli.clicked import VerbCommand


@pytest.mark.parametrize("name", sorted(entry._VERBS))
def test_both_ways_in_lead_to_the_same_verb(name: str) -> None:
    verb = entry.verb_of(name)
    first, *rest = name.split()
    file = f"{first}_" if iskeyword(first) else first
    command = import_module(f"{commands.__name__}.{file}").command
    for word in rest:
        command = command.commands[word]
    assert isinstance(command, VerbCommand)
    assert command.verb is verb
    assert verb.name == name or first == "image"  # most of these are short names as well


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["--help"], True),
        (["--rm", "--help"], True),
        (["host", "--help"], False),
        (["--", "--help"], False),
        ([], False),
    ],
)
def test_help_before_the_first_argument_is_ours(argv: list[str], *, wanted: bool) -> None:
    assert entry._wants_help(argv) is wanted


def test_what_is_quick_imports_no_click() -> None:
    program = (
        "import sys; from toolkit.cli.entry import quick; quick('ps', ['--frob']);"
        "found = {name.split('.')[0] for name in sys.modules};"
        "print(sorted(found & {'click', 'rich', 'dataclasses', 'typing', 'asyncio', 'pyroute2'}))"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, check=True)
    assert done.stdout == b"[]\n"
