"""The minder: starts containers again that have a restart policy, and looks after their health.

One process a run root, with no daemon needed. Whoever starts a container that has a policy or a
health check starts the minder (``minding.kick``), and it lives as long as there is one to mind:
that runs, or is due to start again. It watches each by a pidfd, so it sees the end of those, too,
whose shim was killed. It may be killed itself at any time: what is due stands in ``state.db``; the
shim of the next container that ends, or the next command, starts another one.

What it starts has a shim of its own and outlives it, as all containers do.
"""

import fcntl
import heapq
import os
import select
import time

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError, UnavailableError
from toolkit.core.record import replace
from toolkit.core.undo import Forgiven
from toolkit.engine import health, restarts
from toolkit.engine.checkup import Checkup
from toolkit.engine.database import READY
from toolkit.engine.engine import Engine
from toolkit.engine.minding import is_minded, socket_path
from toolkit.engine.settings import Settings
from toolkit.engine.stored import load
from toolkit.engine.watch import UNKNOWN_STATUS
from toolkit.linux.process import set_name
from toolkit.runtime import waking
from toolkit.runtime.client import Launcher
from toolkit.runtime.messages import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolkit.engine.database import Row
    from toolkit.engine.seams import RootImage
    from toolkit.engine.stored import Stored
    from toolkit.runtime.states import State

_KILL = 9
_MOMENT = 0.02  # seconds between two looks at a shim that is writing down how it ended


class Charge:
    """One container that is minded; ``pid`` is 0 while it does not run."""

    def __init__(self, container: str) -> None:
        self.id = container
        self.pid = 0
        self.pidfd = -1
        self.began = 0.0  # by the monotonic clock
        self.wanted = 0.0  # when to look at it next; 0 for never
        self.plan: health.Plan | None = None
        self.health = health.Health(pid=0)
        self.checkup: Checkup | None = None


class Minder:
    """Minds the containers of one run root; ``serve`` returns when there is none left."""

    def __init__(self, engine: Engine, sock: waking.Socket) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._db = engine.database
        self._path = socket_path(engine.settings)
        self._charges: dict[str, Charge] = {}
        self._times: list[tuple[float, str]] = []
        self._calls: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll()
        self._socket = sock
        self.watch(sock.fileno(), self._hear)

    def serve(self, first: str = "") -> None:
        """Mind all that there are, and ``first`` in any case."""
        for container in (*restarts.minded(self._db), *((first,) if first else ())):
            self._look(container)
        while self._charges or not self._leave():
            if self._charges:
                self._turn()

    def _turn(self) -> None:
        pause = -1.0
        if self._times:
            pause = max(0.0, self._times[0][0] - time.monotonic())
        for fd, _ in self._epoll.poll(pause):
            if fd in self._calls:
                self._calls[fd]()
        now = time.monotonic()
        while self._times and self._times[0][0] <= now:
            when, container = heapq.heappop(self._times)
            charge = self._charges.get(container)
            if charge is not None and charge.wanted == when:
                charge.wanted = 0.0
                self._attend(charge)

    def _hear(self) -> None:
        for word in waking.hear(self._socket):
            for container in restarts.minded(self._db) if word == "all" else (word,):
                self._look(container)

    def _leave(self) -> bool:
        """Go, unless somebody has just called: from here on callers start another one."""
        os.unlink(self._path)
        words = waking.hear(self._socket)
        self.forget(self._socket.fileno())
        self._socket.close()
        if not words:
            return True
        self._socket = waking.listen(self._path)
        self.watch(self._socket.fileno(), self._hear)
        for container in restarts.minded(self._db) if "all" in words else words:
            self._look(container)
        return False

    def watch(self, fd: int, call: "Callable[[], None]") -> None:
        """Call ``call()`` when there is something to read."""
        self._calls[fd] = call
        self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """``fd`` is about to be closed."""
        del self._calls[fd]
        self._epoll.unregister(fd)

    def _at(self, charge: Charge, seconds: float) -> None:
        """Attend to it after that many seconds."""
        charge.wanted = time.monotonic() + seconds
        heapq.heappush(self._times, (charge.wanted, charge.id))

    # one container

    def _look(self, container: str) -> None:
        """See where a container stands; a fault with one must not cost the others their minder."""
        try:
            self._see(container)
        except (ToolkitError, OSError) as error:
            self._note_fault(container, error)

    def _note_fault(self, container: str, error: ToolkitError | OSError) -> None:
        restarts.note_error(self._db, container, str(error))
        charge = self._charges.get(container)
        if charge is not None:
            self._at(charge, 1.0)

    def _see(self, container: str) -> None:
        row = self._db.by_id(container)
        if row is None:
            self._drop(container)
            return
        stored = load(row.config)
        if row.phase != READY or not is_minded(stored):
            self._drop(container)
            restarts.set_minded(self._db, container, on=False)
            return
        charge = self._charges.setdefault(container, Charge(container))
        state = self._engine.kernel.read_state(self._settings.state_dir(container))
        if state is not None and state.pid:
            self._runs(charge, row, stored, state)
        elif state is not None and state.shim_pid:
            self._at(charge, _MOMENT)
        else:
            self._over(charge, row, stored)

    def _runs(self, charge: Charge, row: "Row", stored: "Stored", state: "State") -> None:
        if charge.pid == state.pid:
            return
        self._rest(charge)
        try:
            charge.pidfd = os.pidfd_open(state.pid)
        except ProcessLookupError:
            self._at(charge, _MOMENT)
            return
        self.watch(charge.pidfd, lambda: self._ended(charge))
        charge.pid = state.pid
        charge.began = time.monotonic() - max(0.0, time.time() - row.started)
        charge.plan = health.plan_of(stored)
        if charge.plan is not None:
            charge.health = health.read(self._settings, row.id, state.pid)
            health.write(self._settings, row.id, charge.health)
            self._at(charge, charge.plan.pause(charge.health.status, self._age(charge)))

    def _age(self, charge: Charge) -> float:
        return time.monotonic() - charge.began

    def _ended(self, charge: Charge) -> None:
        self._rest(charge)
        self._look(charge.id)

    def _rest(self, charge: Charge) -> None:
        """It runs no longer."""
        if charge.pidfd >= 0:
            self.forget(charge.pidfd)
            os.close(charge.pidfd)
            charge.pidfd = -1
        if charge.checkup is not None:
            charge.checkup.close()
            charge.checkup = None
        charge.pid, charge.wanted = 0, 0.0

    def _drop(self, container: str) -> None:
        charge = self._charges.pop(container, None)
        if charge is not None:
            self._rest(charge)

    def _over(self, charge: Charge, row: "Row", stored: "Stored") -> None:
        """It has ended: let it go, or plan its next start."""
        self._rest(charge)
        self._engine.watch.state(row.id)  # finishes what a killed shim left
        known = restarts.read(self._db, row.id)
        if known.due:
            self._at(charge, known.due - time.time())
            return
        self._engine.left(row.id, stored.config)
        status = self._engine.watch.ending(row.id).get("status", UNKNOWN_STATUS)
        now = time.time()
        planned = restarts.next_try(replace(known, error=""), now - row.started, now)
        wanted = restarts.is_wanted(stored.config, status, known)
        if wanted and restarts.plan(self._db, row.id, planned):
            self._at(charge, planned.due - now)
        else:
            restarts.set_minded(self._db, row.id, on=False)
            self._drop(row.id)

    def _attend(self, charge: Charge) -> None:
        """Its time has come: to start again, or for a look at its health."""
        if charge.checkup is not None:
            charge.checkup.give_up()
        elif charge.pid and charge.plan is not None:
            self._check(charge, charge.plan)
        elif restarts.claim(self._db, charge.id):
            self._restart(charge)
        else:
            self._look(charge.id)

    def _restart(self, charge: Charge) -> None:
        try:
            self._engine.start(charge.id, again=True).close()
        except (ConflictError, NotFoundError) as error:
            if self._db.by_id(charge.id) and self._engine.watch.state(charge.id) is None:
                self._later(charge, error)
        except (ToolkitError, OSError) as error:
            if isinstance(error, UnavailableError):
                self._engine.renew()
            self._later(charge, error)
        else:
            if restarts.read(self._db, charge.id).stopped:  # as it was on its way
                self._engine.kill(charge.id, _KILL)
        self._look(charge.id)

    def _later(self, charge: Charge, error: ToolkitError | OSError) -> None:
        """It could not start: what it needs may be there at the next try."""
        now = time.time()
        known = restarts.next_try(restarts.read(self._db, charge.id), 0.0, now)
        known = replace(known, count=known.count - 1, error=str(error))
        restarts.plan(self._db, charge.id, known)

    # health

    def _check(self, charge: Charge, plan: health.Plan) -> None:
        def done(look: health.Look) -> None:
            charge.checkup = None
            self._done(charge, plan, look)

        try:
            charge.checkup = Checkup(self._engine, charge.id, plan, loop=self, done=done)
        except (ToolkitError, OSError) as error:  # it is paused, or ends just now
            if isinstance(error, UnavailableError):
                self._engine.renew()
            self._at(charge, plan.pause(charge.health.status, self._age(charge)))
        else:
            self._at(charge, plan.timeout)

    def _done(self, charge: Charge, plan: health.Plan, look: health.Look) -> None:
        before = charge.health.status
        charge.health = health.judge(charge.health, look, plan, self._age(charge))
        health.write(self._settings, charge.id, charge.health)
        status = charge.health.status
        self._at(charge, plan.pause(status, self._age(charge)))
        if status != before:
            with Forgiven(NotFoundError):  # it was removed just now, which its pidfd tells, too
                self._engine.note(f"health_status: {status}", charge.id)


def _become(settings: Settings, word: str) -> waking.Socket | None:
    """Be the one minder; None where another one has heard what there is to do."""
    path = socket_path(settings)
    os.makedirs(settings.run_root, mode=0o711, exist_ok=True)
    lock = os.open(
        f"{settings.run_root}/.minder.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    while True:  # the lock is held as long as this process lives
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waking.tell(path, word):
                return None
            time.sleep(_MOMENT)  # the other one begins, or leaves
        else:
            break
    with Forgiven(FileNotFoundError):
        os.unlink(path)  # of one that was killed
    return waking.listen(path)


def main(arguments: "Sequence[str]") -> None:
    """``SETTINGS [CONTAINER]``, the settings as JSON: mind until there is nothing to mind."""
    settings = Settings(**decode(arguments[0]))
    first = arguments[1] if len(arguments) > 1 else ""
    sock = _become(settings, first or "all")
    if sock is None:
        return
    os.chdir("/")
    set_name("dockyard-minder")
    with Engine(settings, Launcher.spawn, _no_images) as engine:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            restarts.boot(engine.database, file.read().strip())
        Minder(engine, sock).serve(first)


def _no_images(reference: str) -> "RootImage":
    raise NotFoundError(f"no image is looked for here: '{reference}'")
