"""Where ``dockyard`` starts, kept apart from click so that a start can begin before it loads.

``dockyard run`` has a budget of milliseconds. Its launcher is forked first, so that it imports on
one processor what this process does not need, while this one reads the command line on another;
click and the command tree are left out.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LAUNCHING = ("run", "exec", "start")


def main() -> None:
    """The console script."""
    if quick(sys.argv[1:]):
        return
    from toolkit.cli.main import run  # noqa: PLC0415 - click costs 27 ms; entry stays bare

    run()


def quick(argv: "Sequence[str]") -> bool:
    """Do a container command without click, which ends this process; False for all else."""
    if not argv or argv[0] not in _LAUNCHING or _wants_help(argv[1:]):
        return False
    from toolkit.runtime.spawn import spawn_early  # noqa: PLC0415 - the first thing of a start

    spawn_early()
    from toolkit.cli.verb import perform  # noqa: PLC0415 - while the launcher imports

    if argv[0] == "exec":
        from toolkit.cli.containers.entering import EXEC as VERB  # noqa: PLC0415 - only for it
    elif argv[0] == "run":
        from toolkit.cli.containers.starting import RUN as VERB  # noqa: PLC0415 - only for it
    else:
        from toolkit.cli.containers.starting import START as VERB  # noqa: PLC0415 - only for it
    leave(perform(VERB, argv[1:]))
    return True


def leave(status: int) -> None:
    """End at once: tearing the interpreter down costs milliseconds and frees nothing of worth."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _wants_help(argv: "Sequence[str]") -> bool:
    """Whether ``--help`` comes before the first argument that is no flag."""
    for word in argv:
        if word == "--help":
            return True
        if word == "--" or not word.startswith("-"):
            return False
    return False


if __name__ == "__main__":
    main()
