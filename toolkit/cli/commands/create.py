"""``dockyard create``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.starting import CREATE

command = VerbCommand(CREATE)
