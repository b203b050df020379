"""``dockyard save``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.archives import SAVE

command = VerbCommand(SAVE)
