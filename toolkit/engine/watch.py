"""What became of containers: their state now, and the finishing of what was left half done.

A process may be killed between any two steps, so each step leaves a row that tells what to do:

* ``making``, owner dead: the container runs → it is whole after all; else it is undone;
* ``removing``, owner dead: removed now;
* ``tying`` or ``tied``, owner dead: killed and removed;
* auto-removed and over, owner dead: forgotten, with whatever a killed shim left.

A container without a row is one whose caller was killed, and whose row was undone, before its shim
had noted anything: it is ended.
"""

import errno
import os
import time

from toolkit.core.files import remove_tree
from toolkit.engine import owner, restarts
from toolkit.engine.database import MAKING, READY, REMOVING, TIED
from toolkit.engine.model import View
from toolkit.engine.spec import arguments
from toolkit.engine.stored import labels, load
from toolkit.runtime.messages import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from typing import Any

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database, Row
    from toolkit.engine.lazynet import LazyNetworks
    from toolkit.engine.seams import Kernel
    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import Stored
    from toolkit.runtime.states import State

UNKNOWN_STATUS = 255
"""The exit status of a container whose end nobody saw (Docker's figure)."""

_ID = 64  # digits
_KILL = 9
_PAUSE = 0.01
_HELD = ("creating", "created")  # the runtime's words for a container whose program waits
_ATTEMPTS = 300
_RACES = (errno.ENOENT, errno.ENOTEMPTY, errno.EBUSY, errno.ENODEV)


class Watch:
    """Looks at the containers of one engine."""

    def __init__(
        self,
        settings: "Settings",
        database: "Database",
        kernel: "Kernel",
        networks: "LazyNetworks",
        release: "Callable[[str], None]" = lambda _: None,
    ) -> None:
        self._settings = settings
        self._release = release  # gives back the volumes of one that removes itself
        self._networks = networks
        self._db = database
        self._kernel = kernel

    def state(self, container: str) -> "State | None":
        """The state of a container that exists in the kernel; None for one that is over."""
        path = self._settings.state_dir(container)
        while (state := self._kernel.read_state(path)) and state.status == "stopped":
            if state.shim_pid == 0:  # its shim was killed, so nobody else tidies up
                self._cleanup(path, force=False)
                return None
            time.sleep(_PAUSE)  # the shim is writing down how it ended
        return state

    def view(self, row: "Row", *, joined: "AbstractSet[str] | None" = None) -> View:
        """A container as it is now.

        In a list nobody looks for logs, and ``joined`` are the containers that are on networks.
        """
        stored = load(row.config)
        state = self.state(row.id)
        ended = {} if state else self.ending(row.id)
        known = restarts.read(self._db, row.id) if stored.config.restart else restarts.NONE
        log = "" if joined is not None else f"{self._settings.container_dir(row.id)}/log.json"
        off = joined is not None and row.id not in joined
        return View(
            id=row.id,
            name=row.name,
            image=row.image,
            args=arguments(stored.config, stored.image.config),
            config=stored.config,
            status=_status(row, state, stored.config, (known, ended)),
            created=row.created,
            started=row.started,
            finished=_seconds(ended.get("finished", "")),
            pid=state.pid if state else 0,
            exit_status=_exit_status(row, state, ended),
            oom_killed=bool(ended.get("oom", False)),
            digest=stored.image.digest,
            log=log if os.path.exists(log) else "",
            networks=() if off else tuple(self._networks.of(row.id)),
            labels=labels(stored),
            lower=stored.image.lower,
            health=self._health(row, stored, state),
            restarts=known.count,
            error=known.error,
            says=stored.image.config,
        )

    def _health(self, row: "Row", stored: "Stored", state: "State | None") -> str:
        """In one word; empty for one that nobody looks after."""
        if not (stored.config.health or stored.image.config.healthcheck.test) or not row.started:
            return ""
        from toolkit.engine import health  # noqa: PLC0415 - few have any

        if health.plan_of(stored) is None:
            return ""
        shown = health.shown(self._settings, row.id, state.pid if state else 0)
        return str(shown.get("Status", health.UNHEALTHY))

    def ending(self, container: str) -> "dict[str, Any]":
        """How a container ended: ``status``, ``oom``, ``finished``; empty where nobody knows."""
        path = f"{self._settings.container_dir(container)}/exit.json"
        try:
            with open(path, encoding="utf-8") as file:
                found: dict[str, Any] = decode(file.read())
        except (FileNotFoundError, ValueError):  # never ended, or torn by a power cut
            return {}
        return found

    def listed(self, row: "Row") -> bool:
        """Whether a container is whole: what is being made or removed is not shown."""
        if row.phase == TIED or (row.phase == READY and row.auto_remove and row.started):
            return self.state(row.id) is not None
        return row.phase == READY

    def reconcile(self) -> None:
        """Finish or undo what killed commands left."""
        for row in self._db.unsettled():
            if owner.alive(row.owner):
                continue
            if row.phase == MAKING and self._runs(row.id):
                self._db.started(row.id, phase=READY, at=row.created)
            elif row.phase != READY or self._is_over(row):
                self.discard(row)
        self._end_orphans()
        self._networks.tidy(self)
        if self._db.query("SELECT 1 FROM notes WHERE key LIKE 'exposed %' LIMIT 1"):
            from toolkit.engine.netdesk import hide_ended  # noqa: PLC0415 - few are exposed

            hide_ended(self._db, self)
        if restarts.is_any_minded(self._db):
            from toolkit.engine.minding import revive  # noqa: PLC0415 - few are looked after

            revive(self._db, self._settings)

    def _end_orphans(self) -> None:
        """End what has a directory and no row.

        Rows come before directories and go after them, so the directories are read first.
        """
        kept = set(_ids_in(f"{self._settings.data_root}/containers"))
        states = set(_ids_in(self._settings.run_root))
        known = self._db.ids() if kept or states else set()
        for name in (kept | states) - known:
            if name in kept or self._is_ours(name, self._settings.state_dir(name)):
                self.clean(name)
                remove_tree(self._settings.container_dir(name))

    def _is_ours(self, container: str, state_dir: str) -> bool:
        """Whether it was made from this data root: another may share the run root."""
        try:
            with open(f"{state_dir}/request.json", encoding="utf-8") as file:
                return f'"{self._settings.container_dir(container)}' in file.read()
        except FileNotFoundError:
            return False

    def shared_stack(self, container: str) -> str:
        """The network namespace that a container left to others, which run in it still."""
        for other in self._db.sharing(container):
            state = self.state(other)
            if state is not None and state.pid:
                return f"/proc/{state.pid}/ns/net"
        return ""

    def _runs(self, container: str) -> bool:
        """Whether its program runs: one that is held waits for a network that nobody lays."""
        state = self.state(container)
        return state is not None and state.status not in _HELD

    def _is_over(self, row: "Row") -> bool:
        return row.auto_remove and row.started > 0 and self.state(row.id) is None

    def clean(self, container: str) -> None:
        """End what is left of a container in the kernel.

        Its shim, or another command, may be tidying up just then: what it takes away under our
        hands is no failure.
        """
        self._cleanup(self._settings.state_dir(container), force=True)

    def _cleanup(self, path: str, *, force: bool) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._kernel.cleanup(path, force=force)
            except OSError as error:
                if error.errno not in _RACES or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def discard(self, row: "Row", *, forget: bool = True) -> None:
        """Take a container away: its processes, what the kernel has of it, its files, its row.

        Without ``forget`` the row stays, for whoever has something left to do.
        """
        path = self._settings.state_dir(row.id)
        self._db.move(row.id, phase=REMOVING, owner=owner.me())
        if self.state(row.id) is not None:
            self._kernel.kill(path, _KILL)
            while self.state(row.id) is not None:
                time.sleep(_PAUSE)
        self.clean(row.id)
        self._networks.discard(row.id)
        remove_tree(self._settings.container_dir(row.id))
        if forget:
            if row.auto_remove:
                self._release(row.id)
            self._db.delete(row.id)


def _exit_status(row: "Row", state: "State | None", ended: "dict[str, Any]") -> int:
    if state is not None or not row.started:
        return 0
    return int(ended.get("status", UNKNOWN_STATUS))


def _seconds(stamp: str) -> float:
    """RFC 3339 in UTC as seconds since 1970; 0 for an empty one."""
    if not stamp:
        return 0.0
    from datetime import datetime  # noqa: PLC0415 - only where something ended

    return datetime.fromisoformat(f"{stamp[:26].rstrip('Z')}+00:00").timestamp()


def _ids_in(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if len(name) == _ID]
    except FileNotFoundError:
        return []


def _status(
    row: "Row",
    state: "State | None",
    config: "ContainerConfig",
    over: "tuple[restarts.Restarts, dict[str, Any]]",
) -> str:
    if state is not None:
        return {"creating": "created"}.get(state.status, state.status)
    if not row.started:
        return "created"
    known, ended = over
    if config.restart and restarts.is_restarting(config, _exit_status(row, None, ended), known):
        return "restarting"
    return "exited"
