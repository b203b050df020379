"""Ending containers, waiting for their end, and removing them."""

import time

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.undo import Forgiven, Undo
from toolkit.engine import restarts
from toolkit.engine.defaults import STOP_SECONDS
from toolkit.engine.minding import kick
from toolkit.engine.stored import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.seams import Session
    from toolkit.engine.stored import Stored

TERM, KILL = 15, 9
_PAUSE = 0.01


def kill(engine: "Engine", reference: str, number: int) -> None:
    """Send a signal to the first process of a container that runs or is paused."""
    view = engine.inspect(reference)
    if view.status == "restarting":
        _silence(engine, view.id)
        engine.note("kill", view.id, signal=str(number))
        return
    if view.status not in ("running", "paused"):
        raise ConflictError(f"container '{view.name}' is not running: it is {view.status}")
    if view.config.restart:
        stored = load(engine.database.find(view.id).config)
        if number in (KILL, stop_signal(stored)):
            _silence(engine, view.id)
    engine.kernel.kill(engine.settings.state_dir(view.id), number)
    if view.status == "paused" and number == KILL:
        engine.kernel.thaw(engine.settings.state_dir(view.id))
    engine.note("kill", view.id, signal=str(number))


def stop(
    engine: "Engine", reference: str, timeout: float | None = None, *, number: int | None = None
) -> None:
    """Ask a container to end by ``number``, kill it after ``timeout`` seconds (-1: never)."""
    row = engine.database.find(reference)
    stored = load(row.config)
    said = engine.actor_of(row.id)
    if not ask(engine, row.id, stored, number=number):
        return
    if timeout is None:
        asked = stored.config.stop_timeout
        timeout = asked if asked >= 0 else STOP_SECONDS
    if not ended_within(engine, row.id, timeout if timeout >= 0 else None):
        insist(engine, row.id)
        ended_within(engine, row.id, None)
    engine.left(row.id, stored.config)
    engine.events.emit("container", "stop", row.id, said)  # whoever waits for it may remove it now
    if row.auto_remove:
        engine.watch.reconcile()


def ask(engine: "Engine", container: str, stored: "Stored", *, number: int | None = None) -> bool:
    """Ask a container to end, by ``number`` or its own signal; False where it is over."""
    if stored.config.restart:
        _silence(engine, container)
    state = engine.watch.state(container)
    if state is None:
        return False
    state_dir = engine.settings.state_dir(container)
    number = stop_signal(stored) if number is None else number
    _send(engine, state_dir, number)
    if state.status == "paused":
        engine.kernel.thaw(state_dir)
    _note_kill(engine, container, number)
    return True


def _silence(engine: "Engine", container: str) -> None:
    """Somebody ends it on purpose: its restart policy is silent until somebody starts it."""
    minded = restarts.read(engine.database, container).minded
    restarts.stop(engine.database, container)
    if minded:  # it may have planned the next start
        kick(engine.settings, container)


def insist(engine: "Engine", container: str) -> None:
    """Kill one that did not end when it was asked."""
    _send(engine, engine.settings.state_dir(container), KILL)
    _note_kill(engine, container, KILL)


def _note_kill(engine: "Engine", container: str, number: int) -> None:
    with Forgiven(NotFoundError):  # it has just ended, and removed itself
        engine.note("kill", container, signal=str(number))


def _send(engine: "Engine", state_dir: str, number: int) -> None:
    try:
        engine.kernel.kill(state_dir, number)
    except (ConflictError, NotFoundError):
        return  # it has just ended by itself


def wait(engine: "Engine", reference: str) -> int:
    """Wait until a container is over; its exit status."""
    row = engine.database.find(reference)
    session = shim(engine, row.id)
    if session is not None:
        with Undo() as undo:
            undo.closing(session)
            return session.wait()
    ended_within(engine, row.id, None)
    return engine.inspect(row.id).exit_status


def remove(engine: "Engine", reference: str, *, force: bool, volumes: bool) -> str:
    """Remove a container that is over, or with ``force`` any; its id."""
    row = engine.database.find(reference)
    state = engine.watch.state(row.id)
    stored = load(row.config)
    restarting = stored.config.restart and engine.inspect(row.id).status == "restarting"
    if not force and (state is not None or restarting):
        raise ConflictError(
            f"container '{row.name}' is {state.status if state else 'restarting'}",
            hint=f"stop it first with 'dockyard stop {row.name}', or remove it with -f",
        )
    said = engine.actor_of(row.id)
    if stored.config.restart:
        _silence(engine, row.id)
    if state is not None and state.status == "paused":
        _send(engine, engine.settings.state_dir(row.id), KILL)
        engine.kernel.thaw(engine.settings.state_dir(row.id))
    if stored.config.volumes:
        engine.watch.discard(row, forget=False)
        engine.volumes.release(row.id, anonymous=volumes or row.auto_remove)
        engine.database.delete(row.id)
    else:
        engine.watch.discard(row)
    if not row.auto_remove or state is None:  # else the shim has told
        engine.events.emit("container", "destroy", row.id, said)
    return row.id


def ended_within(engine: "Engine", container: str, seconds: float | None) -> bool:
    """Wait for the end, by the shim where there is one; whether it came in time."""
    deadline = None if seconds is None else time.monotonic() + seconds
    session = shim(engine, container)
    if session is not None:
        with Undo() as undo:
            undo.closing(session)
            _readable(session, seconds)
    while engine.watch.state(container) is not None:
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _readable(session: "Session", seconds: float | None) -> None:
    import select  # noqa: PLC0415 - only ending needs it

    poll = select.poll()
    poll.register(session, select.POLLIN)
    poll.poll(None if seconds is None else seconds * 1000)


def shim(engine: "Engine", container: str) -> "Session | None":
    """The line to a container's shim; None where it is over, or its shim was killed."""
    if engine.watch.state(container) is None:
        return None
    try:
        return engine.kernel.connect_shim(engine.settings.state_dir(container))
    except (OSError, NotFoundError):
        return None


def stop_signal(stored: "Stored") -> int:
    """What asks a container to end."""
    asked = stored.config.stop_signal or stored.image.config.stop_signal
    if not asked:
        return TERM
    from toolkit.engine.signals import parse_signal  # noqa: PLC0415 - signal costs 5 ms

    return parse_signal(asked)
