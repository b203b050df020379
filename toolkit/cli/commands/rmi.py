"""``dockyard rmi``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.naming import RMI

command = VerbCommand(RMI)
