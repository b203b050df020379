"""``dockyard inspect``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.looking import INSPECT

command = VerbCommand(INSPECT)
