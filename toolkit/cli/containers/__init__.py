"""The container commands: what ``dockyard run`` and its like take, do and print.

Each is a ``Verb`` that needs no click; ``commands/<name>.py`` shows it to the command tree.
"""
