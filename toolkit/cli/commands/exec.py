"""``dockyard exec``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.entering import EXEC

command = VerbCommand(EXEC)
