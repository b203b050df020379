"""``dockyard pull``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.pulling import PULL

command = VerbCommand(PULL)
