"""The pytest plugin behind ``dockyard check``."""
