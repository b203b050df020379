"""One file a command: ``commands/<name>.py`` holds ``command``, a click command or group.

The file's name is the command's name; there is no list to edit.
"""
