"""Changing containers that exist: pause, rename, other limits, a restart."""

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.core.record import as_dict, record, replace
from toolkit.engine.resources import cpu, memory
from toolkit.engine.stored import dump, load
from toolkit.oci.spec import Pids, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Row
    from toolkit.engine.engine import Engine
    from toolkit.engine.stored import Stored

    T = TypeVar("T")


@record
class Update:
    """Other limits for a container; what is None stays. Units are those of ``ContainerConfig``."""

    memory: int | None = None
    memory_swap: int | None = None
    memory_reservation: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    cpu_shares: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    pids_limit: int | None = None
    blkio_weight: int | None = None
    restart: str | None = None
    restart_retries: int | None = None


def pause(engine: "Engine", reference: str) -> None:
    """Stop every process of a running container."""
    view = engine.inspect(reference)
    if view.status == "paused":
        raise ConflictError(f"container '{view.name}' is already paused")
    engine.running(reference)
    engine.kernel.freeze(engine.settings.state_dir(view.id))
    engine.note("pause", view.id)


def unpause(engine: "Engine", reference: str) -> None:
    """Let the processes of a paused container go on."""
    view = engine.inspect(reference)
    if view.status != "paused":
        raise ConflictError(f"container '{view.name}' is not paused")
    engine.kernel.thaw(engine.settings.state_dir(view.id))
    engine.note("unpause", view.id)


def rename(engine: "Engine", reference: str, name: str) -> None:
    """Give a container another name."""
    row = engine.database.find(reference)
    wanted = engine.check_name(name.removeprefix("/"))
    if wanted == row.name:
        raise InvalidInputError(f"container '{name}' has that name already")
    engine.database.rename(row.id, wanted)
    engine.note("rename", row.id, oldName=f"/{row.name}")


def update(engine: "Engine", reference: str, asked: Update) -> None:
    """Give a container other limits, now where it runs and at every later start."""
    row = engine.database.find(reference)
    stored = load(row.config)
    given = {name: value for name, value in as_dict(asked).items() if value is not None}
    if not given:
        raise InvalidInputError("update needs a limit", hint="--memory 64m, for example")
    config = replace(stored.config, **given)
    if config.restart and config.auto_remove:
        raise InvalidInputError("a container that removes itself cannot be restarted")
    changed = _changed(stored.config, config, swap_limit=_counts_swap())
    if engine.watch.state(row.id) is not None and changed is not None:
        engine.kernel.set_limits(engine.settings.state_dir(row.id), changed)
    stored = replace(stored, config=config)
    engine.database.configure(row.id, dump(stored))
    if asked.restart is not None:
        _mind(engine, row.id, stored)
    engine.note("update", row.id)


def _mind(engine: "Engine", container: str, stored: "Stored") -> None:
    """Another policy holds from now on."""
    from toolkit.engine import minding, restarts  # noqa: PLC0415 - seldom

    if engine.watch.state(container) is not None and minding.is_minded(stored):
        restarts.write(engine.database, container, restarts.read(engine.database, container))
        minding.begin(engine.database, engine.settings, container)


def _counts_swap() -> bool:
    from toolkit.engine.machine import counts_swap  # noqa: PLC0415 - only for memory

    return counts_swap()


def _changed(
    old: "ContainerConfig", new: "ContainerConfig", *, swap_limit: bool
) -> Resources | None:
    """The limits to write; those that did not change are not touched."""
    found = Resources(
        memory=_if(memory(old, swap_limit=swap_limit), memory(new, swap_limit=swap_limit)),
        cpu=_if(cpu(old), cpu(new)),
        pids=Pids(limit=new.pids_limit or -1) if old.pids_limit != new.pids_limit else None,
    )
    return None if found == Resources() else found


def _if(old: "T", new: "T") -> "T | None":
    return None if old == new else new


def restart(
    engine: "Engine", reference: str, timeout: float | None = None, *, number: int | None = None
) -> None:
    """Stop a container that runs, and start it."""
    row: Row = engine.database.find(reference)
    if row.auto_remove:
        raise ConflictError(f"container '{row.name}' removes itself when it ends")
    engine.stop(row.id, timeout, signal=number)
    engine.start(row.id).close()
    engine.note("restart", row.id)
