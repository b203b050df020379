"""``dockyard info``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.systems import INFO

command = VerbCommand(INFO)
