"""``dockyard image``."""

import click

from toolkit.cli.building.build import BUILD
from toolkit.cli.clicked import VerbCommand
from toolkit.cli.images.archives import IMPORT, LOAD, SAVE
from toolkit.cli.images.listing import HISTORY, IMAGES, INSPECT
from toolkit.cli.images.naming import PRUNE, RMI, TAG
from toolkit.cli.images.pulling import PULL, PUSH

command = click.Group("image", help="Fetch, list, name, save and remove images.")
for name, verb in {
    "build": BUILD,
    "history": HISTORY,
    "import": IMPORT,
    "inspect": INSPECT,
    "load": LOAD,
    "ls": IMAGES,
    "prune": PRUNE,
    "pull": PULL,
    "push": PUSH,
    "rm": RMI,
    "save": SAVE,
    "tag": TAG,
}.items():
    command.add_command(VerbCommand(verb), name=name)
