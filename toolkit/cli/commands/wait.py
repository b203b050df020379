"""``dockyard wait``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.ending import WAIT

command = VerbCommand(WAIT)
