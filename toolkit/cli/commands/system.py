"""``dockyard system``."""

from toolkit.cli.grouped import group

command = group("system", "Look at the whole engine, and clear it up.")
