"""``dockyard import``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.archives import IMPORT

command = VerbCommand(IMPORT)
