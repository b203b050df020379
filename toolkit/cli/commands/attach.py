"""``dockyard attach``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.attaching import ATTACH

command = VerbCommand(ATTACH)
