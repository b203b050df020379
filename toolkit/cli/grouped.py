"""Commands under one name: those of their own, and those that stand alone as well."""

import click

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.entry import same_names, verb_of

_HIDDEN = ("list", "ps", "remove")  # other words for what is shown


def group(name: str, summary: str) -> click.Group:
    """The group with all that the entry knows of it."""
    made = click.Group(name, help=summary)
    for word, same in same_names(name).items():
        made.add_command(VerbCommand(verb_of(same), hidden=word in _HIDDEN), name=word)
    return made
