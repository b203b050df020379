"""``dockyard rehearse``, which people meet as ``apply --rehearse``."""

from toolkit.cli.clicked import VerbCommand
from toolkit.cli.containers.rehearsing import REHEARSE

command = VerbCommand(REHEARSE, hidden=True)
