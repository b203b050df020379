"""``dockyard stats``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.using import STATS

command = VerbCommand(STATS)
