"""``dockyard tag``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.naming import TAG

command = VerbCommand(TAG)
