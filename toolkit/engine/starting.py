"""The steps around a start that need nothing of the engine."""

import os

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.undo import Forgiven, Undo
from toolkit.engine.stored import PlainImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.engine import Engine
    from toolkit.engine.seams import Session, Stdio
    from toolkit.oci.spec import Spec


def started(session: "Session", container: str, name: str) -> int:
    """Wait until it runs, or is held; its pid. A failure calls the container what people call it.

    Whoever is interrupted hears the answer out first: what is still on its way to run could not be
    undone.
    """
    try:
        return session.started()
    except ToolkitError as error:
        session.close()
        error.message = error.message.replace(container, name)
        raise
    except BaseException:
        with Undo() as undo, Forgiven(ToolkitError):
            undo.closing(session)
            session.started()
        raise


def returns(spec: "Spec") -> bool:
    """Whether a container enters a network namespace that exists."""
    return any(one.type == "network" and one.path for one in spec.linux.namespaces)


def begun(session: "Session", container: str, name: str) -> None:
    """Let a held program run."""
    try:
        session.begin()
    except ToolkitError as error:
        error.message = error.message.replace(container, name)
        raise


def root(path: str) -> PlainImage:
    """A directory as an image; it is only read."""
    if not path:
        raise InvalidInputError("neither an image nor a root directory is given")
    full = os.path.abspath(path)
    if not os.path.isdir(full):
        raise NotFoundError(
            f"root file system '{path}' is no directory", hint="give a directory that holds one"
        )
    return PlainImage(lower=(full,))


def passes_through(config: "ContainerConfig", stdio: "Stdio") -> bool:
    """Whether a container may hold the caller's own descriptors.

    Never a terminal: a process inside could type into it (TIOCSTI). Never where a log is kept.
    """
    if not config.auto_remove or config.tty or config.detach:
        return False
    return not any(os.isatty(fd) for fd in stdio)


def without_shim(engine: "Engine", container: str, config: "ContainerConfig", status: int) -> None:
    """Finish what a killed shim left of a container that has ended with this status."""
    from toolkit.runtime.logfile import timestamp  # noqa: PLC0415 - seldom
    from toolkit.runtime.messages import encode  # noqa: PLC0415 - as above
    from toolkit.runtime.trees import put  # noqa: PLC0415 - as above

    if not config.auto_remove:
        ending = {"status": status, "oom": False, "finished": timestamp()}
        path = f"{engine.settings.container_dir(container)}/exit.json"
        put(path, encode(ending).encode(), mode=0o644)
    with Forgiven(NotFoundError):  # another command may be as far
        engine.note("die", container, exitCode=str(status))
    engine.watch.clean(container)
