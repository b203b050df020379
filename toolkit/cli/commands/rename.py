"""``dockyard rename``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.changing import RENAME

command = VerbCommand(RENAME)
