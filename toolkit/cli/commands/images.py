"""``dockyard images``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.listing import IMAGES

command = VerbCommand(IMAGES)
