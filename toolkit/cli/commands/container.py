"""``dockyard container``."""

from toolkit.cli.grouped import group

command = group("container", "Make, list, change and remove containers.")
