"""``dockyard logs``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.looking import LOGS

command = VerbCommand(LOGS)
