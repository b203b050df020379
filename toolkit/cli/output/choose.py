"""Which output a command gets."""

import sys

from toolkit.cli.output.jsonlines import JsonOutput
from toolkit.cli.output.sink import Output
from toolkit.cli.output.stdout import Stdout
from toolkit.cli.output.text import TextOutput


def choose(*, as_json: bool, junit: str = "") -> Output:
    """JSON where asked for, colours on a terminal (``NO_COLOR`` is honoured), else plain lines.

    ``junit`` is the file of a report that is written beside that.
    """
    if junit:
        from toolkit.cli.output.junit import JUnitOutput  # noqa: PLC0415 - few runs want one

        return JUnitOutput(choose(as_json=as_json), junit)
    if as_json:
        return JsonOutput(Stdout(sys.stdout).write)
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only a terminal needs

        from toolkit.cli.output.terminal import TerminalOutput  # noqa: PLC0415 - as above

        return TerminalOutput(Console(highlight=False))
    stdout = Stdout(sys.stdout)
    return TextOutput(lambda text, _: stdout.write(f"{text}\n"))
