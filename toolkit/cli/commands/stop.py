"""``dockyard stop``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.ending import STOP

command = VerbCommand(STOP)
