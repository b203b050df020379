"""``dockyard rm``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.ending import REMOVE

command = VerbCommand(REMOVE)
