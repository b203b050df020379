"""Which output a command gets."""

import sys

import click

from toolkit.cli.output.jsonlines import JsonOutput
from toolkit.cli.output.sink import Output
from toolkit.cli.output.text import TextOutput


def choose(*, as_json: bool) -> Output:
    """JSON where asked for, colours on a terminal (``NO_COLOR`` is honoured), else plain lines."""
    if as_json:
        return JsonOutput(sys.stdout)
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only a terminal needs

        from toolkit.cli.output.terminal import TerminalOutput  # noqa: PLC0415 - as above

        return TerminalOutput(Console(highlight=False))
    return TextOutput(lambda text, style: click.echo(text))
