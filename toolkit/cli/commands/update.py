"""``dockyard update``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.changing import UPDATE

command = VerbCommand(UPDATE)
