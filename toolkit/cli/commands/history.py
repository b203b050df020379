"""``dockyard history``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.listing import HISTORY

command = VerbCommand(HISTORY)
