"""``dockyard network``."""

import click

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.networking import NETWORK

command = click.Group("network", help="Make, list and remove networks of containers.")
for verb in NETWORK:
    command.add_command(VerbCommand(verb), name=verb.name.split()[-1])
