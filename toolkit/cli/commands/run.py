"""``dockyard run``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.starting import RUN

command = VerbCommand(RUN)
