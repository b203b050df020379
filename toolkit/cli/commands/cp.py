"""``dockyard cp``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.copying import CP

command = VerbCommand(CP)
