"""The command tree: finds a command's file by its name and imports only that one."""

import importlib
import pkgutil
import sys
from keyword import iskeyword
from typing import Any

import click

from toolkit.cli import commands
from toolkit.core.errors import ToolkitError
from toolkit.core.suggest import did_you_mean


class CommandTree(click.Group):
    """Commands come from the files in ``toolkit.cli.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, sorted."""
        del ctx
        names = (module.name for module in pkgutil.iter_modules(commands.__path__))
        return sorted(name.rstrip("_") for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        file = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name  # import_.py
        module = importlib.import_module(f"{commands.__name__}.{file}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Like click's, with the nearest name when there is no such command."""
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            hint = did_you_mean(name, self.list_commands(ctx))
            fail(f"'{name}' is no dockyard command", hint=hint or "see 'dockyard --help'", status=2)
        return super().resolve_command(ctx, args)


@click.command(cls=CommandTree, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dockyard", prog_name="dockyard")
def dockyard() -> None:
    """Provision container hosts and prove that they isolate."""


def fail(message: str, *, hint: str = "", status: int = 1) -> None:
    """Print one line and a hint on stderr, then exit with ``status``."""
    click.echo(f"dockyard: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    sys.exit(status)


def run() -> None:
    """Run the command line; every ``ToolkitError`` becomes one line, a hint and its status."""
    try:
        # Not click's standalone mode: that turns Ctrl-C into 'Aborted!' and status 1.
        status = dockyard(prog_name="dockyard", standalone_mode=False)
    except ToolkitError as error:
        fail(error.message, hint=error.hint, status=error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
