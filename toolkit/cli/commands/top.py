"""``dockyard top``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.using import TOP

command = VerbCommand(TOP)
