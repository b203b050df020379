"""``dockyard build``."""

from toolkit.cli.building.build import BUILD
from toolkit.cli.clicked import VerbCommand

command = VerbCommand(BUILD)
