"""Shows a container command to click: the same table of flags, for the tree and its help."""

import sys
from typing import Any

import click

from toolkit.cli.verb import ROOTS, Flag, Verb, perform


class VerbCommand(click.Command):
    """A click command that leaves the reading of its line to ``verb``."""

    def __init__(self, verb: Verb, *, hidden: bool = False) -> None:
        super().__init__(
            verb.name,
            params=[_option(flag) for flag in (*verb.flags, *ROOTS)],
            help=verb.summary,
            options_metavar=verb.usage,
            context_settings={"help_option_names": ["--help"]},
            hidden=hidden,
        )
        self.verb = verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the line as it is; only ``--help`` before the first argument is click's."""
        for word in args:
            if word == "--" or not word.startswith("-"):
                break
            if word == "--help":
                return super().parse_args(ctx, [word])
        ctx.obj = list(args)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        """Act, and end with the command's status."""
        status = perform(self.verb, ctx.obj)
        sys.stdout.flush()
        ctx.exit(status)


def _option(flag: Flag) -> click.Option:
    return click.Option(
        flag.names,
        is_flag=not flag.metavar,
        multiple=flag.many,
        metavar=flag.metavar or None,
        help=flag.help,
    )
