"""``dockyard volume``."""

from toolkit.cli.grouped import group

command = group("volume", "Make, list and remove volumes.")
