"""``dockyard ps``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.looking import PS

command = VerbCommand(PS)
