"""``dockyard load``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.archives import LOAD

command = VerbCommand(LOAD)
