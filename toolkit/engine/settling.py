"""For whoever watches many containers at once, as the API does: nothing here waits.

``line`` gives a descriptor that tells of a container's end, ``settle`` does what is left then.
"""

from toolkit.engine import ending
from toolkit.engine.stored import load
from toolkit.engine.watch import UNKNOWN_STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.seams import Session


def line(engine: "Engine", container: str) -> "Session | None":
    """The line to the shim of a container; None where it is over or removed."""
    return ending.shim(engine, container)


def is_alive(engine: "Engine", container: str) -> bool:
    """Whether the kernel has it."""
    return engine.watch.state(container) is not None


def exit_status(engine: "Engine", container: str) -> int:
    """How a container ended whose line was lost: by its file, else by what its shim told of it."""
    ended = engine.watch.ending(container)
    if "status" in ended:
        return int(ended["status"])
    status = UNKNOWN_STATUS
    for event in engine.events.read():
        actor = event["Actor"]
        if event["Action"] == "die" and actor["ID"] == container:
            status = int(actor["Attributes"].get("exitCode", status))
    return status


def settle(engine: "Engine", container: str) -> bool:
    """Give back what a container held that has ended; whether it is gone altogether."""
    row = engine.database.by_id(container)
    if row is None:
        return True
    if is_alive(engine, container):
        return False
    if row.auto_remove:
        engine.watch.discard(row)
        return True
    stored = load(row.config)
    if not stored.config.restart:  # else the minder does it, who may start it again
        engine.left(container, stored.config)
    return False


def ask_to_stop(engine: "Engine", container: str, number: int | None = None) -> bool:
    """Send the signal that ends a container; False where it is over."""
    return ending.ask(
        engine, container, load(engine.database.find(container).config), number=number
    )


def kill(engine: "Engine", container: str) -> None:
    """Kill one that did not end when it was asked."""
    ending.insist(engine, container)
