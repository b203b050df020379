"""``dockyard build``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.building import BUILD

command = VerbCommand(BUILD)
