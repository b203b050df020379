"""``dockyard builder``."""

from toolkit.cli.grouped import group

command = group("builder", "Build images, and clear up after builds.")
