"""``dockyard build``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.buildverb import BUILD

command = VerbCommand(BUILD)
