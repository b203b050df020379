"""``dockyard version``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.systems import VERSION

command = VerbCommand(VERSION)
