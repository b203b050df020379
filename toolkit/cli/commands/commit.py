"""``dockyard commit``."""

from toolkit.cli.building.committing import COMMIT
from toolkit.cli.clicked import VerbCommand

command = VerbCommand(COMMIT)
