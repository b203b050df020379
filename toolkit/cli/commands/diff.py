"""``dockyard diff``."""

from toolkit.cli.building.committing import DIFF
from toolkit.cli.clicked import VerbCommand

command = VerbCommand(DIFF)
