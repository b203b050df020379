"""``dockyard kill``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.ending import KILL

command = VerbCommand(KILL)
