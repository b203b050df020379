"""Runs first of all on a host, sent as an argument: settles on a Python, then reads the loader.

The first ``python3`` may be of any version, so this is written for all of them: no f-string, no
newer syntax. Arguments: the loader's size, and what the loader takes.
"""

import contextlib
import json
import os
import sys

MARK = "DOCKYARD-AGENT 1 "
OLDEST = (3, 11)
NEWER = ("python3.15", "python3.14", "python3.13", "python3.12", "python3.11")
# Text, then arguments: what a shell or an older Python gives to ``python3 -I -S -c``.
BOOT = "import sys; text = sys.argv.pop(1); exec(text); find(text)"


def find(text: str) -> None:
    """Go on with a newer Python where this one is too old; ``text`` is this file's own."""
    if sys.version_info < OLDEST:
        for name in NEWER:
            with contextlib.suppress(OSError):
                argv = [name, "-I", "-S", "-c", BOOT, text]
                os.execvp(name, argv + sys.argv[1:])  # noqa: S606 - argv; unpacking is newer
        version = ".".join([str(part) for part in sys.version_info[:3]])
        what = {"unsupported": "its python3 is older than 3.11: " + version}
        what["hint"] = "install python3.11 or newer"
        sys.stdout.write(MARK + json.dumps(what) + "\n")
        sys.exit(2)
    load(int(sys.argv.pop(1)))


def load(left: int) -> None:
    """Read the loader's text, not a byte more, and run it."""
    source = b""
    while left:
        part = os.read(0, left)
        if not part:
            sys.exit(1)
        source += part
        left -= len(part)
    names = {"__name__": "loader"}
    exec(source, names)  # noqa: S102 - it came from the controller, as everything does
    start = names["start"]
    start()  # type: ignore[operator] # it is the loader's function
