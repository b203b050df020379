"""``dockyard push``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.pulling import PUSH

command = VerbCommand(PUSH)
