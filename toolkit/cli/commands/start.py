"""``dockyard start``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.starting import START

command = VerbCommand(START)
