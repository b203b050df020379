"""``dockyard export``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.copying import EXPORT

command = VerbCommand(EXPORT)
