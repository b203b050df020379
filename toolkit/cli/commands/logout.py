"""``dockyard logout``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.logins import LOGOUT

command = VerbCommand(LOGOUT)
