"""Where ``dockyard-oci`` starts: in a program that nobody can write through, where it must be.

What becomes a container's process is a fork of this one, and a container can open the file that
its processes run (CVE-2019-5736). So ``create``, ``run`` and ``exec`` begin by running the bare
interpreter again from a read-only clone of it; that costs 8 ms, and what is imported until then is
imported in vain: not even ``os`` is. The others go on as they are.
"""

import gc
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_FORKING = ("create", "run", "exec")
_WITH_VALUE = ("--root", "--log", "--log-format", "--cgroup-manager", "--rootless", "--criu")
_PROGRAM = """\
import gc, sys
gc.disable()
sys.path += {path!r}
from toolkit.cli.oci.entry import sealed
sealed(sys.argv[1:])
"""


def main() -> None:
    """What the script ``dockyard-oci`` calls."""
    begin(sys.argv[1:])


def begin(argv: "Sequence[str]") -> "NoReturn":
    """Do what ``argv`` says, never to return."""
    gc.disable()  # it would run over what is imported, which stays
    if _command(argv) in _FORKING and "--help" not in argv and "-h" not in argv:
        _run_sealed(argv)
    sealed(argv)


def sealed(argv: "Sequence[str]") -> "NoReturn":
    """The same in the process that does it."""
    from toolkit.core.loading import install  # noqa: PLC0415 - not in the process that is replaced

    install()
    from toolkit.cli.oci.main import run  # noqa: PLC0415 - as above

    status = run(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    posix._exit(status)  # taking the interpreter down costs milliseconds and frees nothing of worth


def _command(argv: "Sequence[str]") -> str:
    """The first word that is neither a flag nor a flag's value."""
    words = iter(argv)
    for word in words:
        if word in _WITH_VALUE:
            next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


def _run_sealed(argv: "Sequence[str]") -> None:
    from toolkit.linux.executable import sealed_executable  # noqa: PLC0415 - only where it is due

    interpreter: str = getattr(sys, "_base_executable", sys.executable)
    program = _PROGRAM.format(path=_search_path())
    fd = sealed_executable(interpreter)
    # Nothing of the environment and no site: this is no place for anybody's hooks.
    line = (interpreter, "-I", "-S", "-c", program, *argv)
    posix.execv(f"/proc/self/fd/{fd}", line)


def _search_path() -> list[str]:
    """As ``toolkit.runtime.spawn`` has it, without ``os``."""
    home = __file__.rsplit("/", 4)[0]
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [home, *others]
