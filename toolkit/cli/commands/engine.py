"""``dockyard engine``."""

import click

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.serving import SERVE

command = click.Group("engine", help="Serve Docker's API.")
command.add_command(VerbCommand(SERVE), name="serve")
