"""``dockyard pause``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.changing import PAUSE

command = VerbCommand(PAUSE)
