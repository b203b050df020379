"""Where the programs of a host lie, whatever ``PATH`` the caller has."""

import os

_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")


def find(name: str) -> str:
    """The path of a program; empty where there is none."""
    for folder in _FOLDERS:
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    return ""
