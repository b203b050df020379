"""``dockyard events``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.systems import EVENTS

command = VerbCommand(EVENTS)
