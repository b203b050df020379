"""``dockyard restart``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.changing import RESTART

command = VerbCommand(RESTART)
