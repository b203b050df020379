"""``dockyard inspect``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.inspecting import INSPECT

command = VerbCommand(INSPECT)
