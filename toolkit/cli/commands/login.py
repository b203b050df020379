"""``dockyard login``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.logins import LOGIN

command = VerbCommand(LOGIN)
