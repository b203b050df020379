"""``dockyard unpause``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.changing import UNPAUSE

command = VerbCommand(UNPAUSE)
