"""``dockyard nsenter``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.entering import NSENTER

command = VerbCommand(NSENTER)
