"""Asks before something is removed that nobody named."""

import sys

from toolkit.cli.verb import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.verb import Call

FORCE = Flag(names=("-f", "--force"), help="Do not ask")


def agreed(call: "Call", warning: str) -> bool:
    """Whether ``--force`` was given, or a person says yes; in Docker's words."""
    if call.flag("force"):
        return True
    print(f"WARNING! {warning}")
    print("Are you sure you want to continue? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
