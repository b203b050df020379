"""``dockyard port``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.networking import PORT

command = VerbCommand(PORT)
