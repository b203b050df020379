"""Many containers on one machine: make, start, enter, stop, remove, look at them."""

import os
import time

from toolkit.core.errors import ConflictError
from toolkit.core.record import replace
from toolkit.core.undo import Forgiven, Undo
from toolkit.engine import owner
from toolkit.engine.database import MAKING, READY, TIED, TYING, Database, Row
from toolkit.engine.events import EventLog
from toolkit.engine.lazynet import LazyNetworks
from toolkit.engine.logplan import check_logging
from toolkit.engine.minding import begin, expect, is_minded
from toolkit.engine.model import Running
from toolkit.engine.prepare import (
    Joins,
    actor,
    make_directories,
    prepare,
    start_request,
    write_files,
)
from toolkit.engine.spec import check_modes
from toolkit.engine.starting import (
    begun,
    passes_through,
    returns,
    root,
    started,
    without_shim,
)
from toolkit.engine.stored import PlainImage, Stored, dump, labels, load, plain
from toolkit.engine.watch import Watch
from toolkit.runtime import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.control import Update
    from toolkit.engine.filters import Filters
    from toolkit.engine.lazynet import NetworksFactory
    from toolkit.engine.logs import LogLine, Span
    from toolkit.engine.model import ExecConfig, View
    from toolkit.engine.netdesk import NetworkDesk
    from toolkit.engine.networks import Networks
    from toolkit.engine.prepare import Prepared
    from toolkit.engine.seams import (
        Kernel,
        Launcher,
        LauncherFactory,
        Resolver,
        Session,
        Stdio,
    )
    from toolkit.engine.settings import Settings
    from toolkit.engine.usage import Sample, Table
    from toolkit.engine.volumes import Volumes
    from toolkit.oci.spec import Spec

_KILL = 9
_ACTIVE = ("running", "paused", "restarting")


def _nothing() -> None:
    """Nobody wants to hear."""


class Engine:
    """The containers of one data root.

    ``launcher`` is called once, when the first container starts; ``images`` finds an image by
    name; ``kernel`` looks at running ones; ``networks`` makes what they join. A context manager
    that lets the launcher go; containers live on.
    """

    def __init__(
        self,
        settings: "Settings",
        launcher: "LauncherFactory",
        images: "Resolver",
        *,
        kernel: "Kernel" = client,
        networks: "NetworksFactory | None" = None,
    ) -> None:
        self.settings = settings
        self._make_launcher = launcher
        self._images = images
        self._kernel = kernel
        self._launcher: Launcher | None = None
        self._db = Database(settings.database)
        self.events = EventLog(settings.run_root)
        self._networks = LazyNetworks(settings, self._db, networks)
        self._volumes: Volumes | None = None
        self._watch = Watch(settings, self._db, kernel, self._networks, self._release_volumes)
        self._watch.reconcile()

    def close(self) -> None:
        """Let the launcher and the database go."""
        self.renew()
        self._networks.close()
        self._db.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # making and starting

    def create(self, config: "ContainerConfig") -> str:
        """Make a container without starting it; its id."""
        with Undo() as undo:
            made = self._make(config, undo)
            self._db.move(made.id, phase=READY)
            self._note("create", made)
            undo.pop_all()
        return made.id

    def run(
        self,
        config: "ContainerConfig",
        stdio: "Stdio",
        *,
        tied: bool = False,
        shape: "Callable[[Spec, str], Spec] | None" = None,
        keep: str = "",
        asked: "Callable[[], object]" = _nothing,
    ) -> Running:
        """Make and start a container; what fails to start leaves nothing.

        ``stdio`` are the caller's descriptors. With ``tied`` it ends when this process does.
        ``shape`` changes what the runtime is told, given the container's directory. ``keep`` is a
        directory of the caller's with ``upper`` and ``work``, which takes what the container writes
        and outlives it. ``asked`` is called when the runtime is asked: from then on the program may
        run.
        """
        with Undo() as undo:
            made = self._make(config, undo, phase=TYING if tied else MAKING)
            if shape:
                made = replace(made, spec=shape(made.spec, made.directory))
            made = replace(made, keep=keep)
            self._note("create", made)
            undo.callback(self._note, "destroy", made)
            running = self._start(made, stdio, phase=TIED if tied else READY, asked=asked)
            undo.pop_all()
        return running

    def _note(self, action: str, made: "Prepared") -> None:
        """Tell that something happened to a container that is being made."""
        said = dict(text.partition("=")[::2] for text in actor(made))
        self.events.emit("container", action, made.id, said)

    def note(self, action: str, container: str, **more: str) -> None:
        """Tell that something happened to a container."""
        self.events.emit("container", action, container, {**self.actor_of(container), **more})

    def actor_of(self, container: str) -> dict[str, str]:
        """What events say of a container."""
        row = self._db.find(container)
        said = dict(text.partition("=")[::2] for text in labels(load(row.config)))
        return {**said, "image": row.image, "name": row.name}

    # what the parts of the engine share

    @property
    def database(self) -> Database:
        """Names, ids and what was asked for."""
        return self._db

    @property
    def kernel(self) -> "Kernel":
        """Looks at what runs."""
        return self._kernel

    @property
    def watch(self) -> Watch:
        """What became of containers."""
        return self._watch

    def start(
        self,
        reference: str,
        stdio: "Stdio | None" = None,
        *,
        asked: "Callable[[], object]" = _nothing,
        again: bool = False,
    ) -> Running:
        """Start a container that was created or has ended; without ``stdio`` in the background.

        ``again`` says that its restart policy asks, not a person: who stopped it is remembered.
        """
        row = self._db.find(reference)
        if self._watch.state(row.id) is not None:
            raise ConflictError(f"container '{row.name}' is running already")
        stored = load(row.config)
        joins = self._joins(stored.config, row.id)
        made = prepare(self.settings, row.id, stored, name=row.name, joins=joins)
        with Forgiven(FileNotFoundError):
            os.unlink(f"{made.directory}/exit.json")
        if stdio is not None:
            return self._start(made, stdio, phase=READY, asked=asked, again=again)
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            return self._start(made, (nothing,) * 3, phase=READY, background=True, again=again)
        finally:
            os.close(nothing)

    def _make(self, config: "ContainerConfig", undo: Undo, *, phase: str = MAKING) -> "Prepared":
        """Everything up to the start; each thing made is undone by ``undo``."""
        config = self._checked(config)
        os.makedirs(self.settings.run_root, mode=0o711, exist_ok=True)
        self._watch.reconcile()  # an engine may live long, and others are killed meanwhile
        image = plain(self._images(config.image)) if config.image else root(config.rootfs)
        config = self._with_volumes(config, image)
        stored = Stored(config=config, image=image)
        container = self._new_id()
        name = self._name(config.name)
        joins = self._joins(config)
        made = prepare(self.settings, container, stored, name=name, joins=joins)
        row = Row(
            id=container,
            name=name,
            image=config.image or config.rootfs,
            config=dump(stored),
            created=time.time(),
            phase=phase,
            owner=owner.me(),
            auto_remove=config.auto_remove,
        )
        self._db.insert(row, digest=image.digest, layers=image.lower)
        undo.callback(self._watch.discard, row)
        make_directories(made, undo)
        if config.volumes:
            from toolkit.engine.mounting import fill  # noqa: PLC0415 - few have volumes

            self.volumes.take(container, config.volumes)
            fill(config.volumes, image, self.settings)
        return made

    def _with_volumes(self, config: "ContainerConfig", image: PlainImage) -> "ContainerConfig":
        """The config with every volume named: those asked for, of others, and of the image."""
        if not (config.volumes or config.volumes_from or image.config.volumes):
            return config
        from toolkit.engine.mounting import resolve  # noqa: PLC0415 - few have volumes

        def look(reference: str) -> "ContainerConfig":
            return load(self._db.find(reference).config).config

        return resolve(config, image.config.volumes, look)

    def _start(
        self,
        made: "Prepared",
        stdio: "Stdio",
        *,
        phase: str,
        background: bool = False,
        asked: "Callable[[], object]" = _nothing,
        again: bool = False,
    ) -> Running:
        os.makedirs(self.settings.run_root, mode=0o711, exist_ok=True)
        config = made.stored.config
        minded = is_minded(made.stored)
        if minded:
            expect(self._db, made.id, again=again)
        with Undo() as undo:
            joining = self._networks.join(
                made.id,
                config,
                undo,
                exposed=(*made.stored.image.config.exposed_ports, *config.expose),
                returns=returns(made.spec),
            )
            write_files(made, joining.place if joining else None)
            request = start_request(
                self.settings,
                made,
                passthrough=passes_through(config, stdio),
                hold=joining is not None and joining.connect is not None,
                background=background,
            )
            launcher = self._launch()
            asked()
            session = launcher.start(request, stdio)
            pid = started(session, made.id, made.name)
            if joining and joining.connect:
                undo.callback(self._kernel.cleanup, request.state_dir, force=True)
                undo.callback(session.close)
                joining.connect(pid)
                begun(session, made.id, made.name)
            if joining:
                joining.done(pid)
            undo.pop_all()
        waits = "" if config.detach or background else owner.me()
        self._db.started(made.id, phase=phase, at=time.time(), owner=waits)
        if minded:
            begin(self._db, self.settings, made.id)
        if config.rows and session.master is not None:
            session.resize(config.rows, config.columns)
        return Running(
            made.id,
            session,
            done=lambda: self._ended(made.id, config),
            lost=lambda status: without_shim(self, made.id, config, status),
        )

    def _ended(self, container: str, config: "ContainerConfig") -> None:
        """What is to be done when a container ended that somebody waited for."""
        if not config.restart:  # else the minder does it, who may start it again
            self._networks.left(container, config, self._watch)
        if config.auto_remove:
            self._release_volumes(container)
            self._db.delete(container)

    def _release_volumes(self, container: str) -> None:
        """One that removes itself is over: its anonymous volumes go with it."""
        if self._db.query("SELECT 1 FROM volume_uses WHERE container=? LIMIT 1", container):
            self.volumes.release(container, anonymous=True)

    def renew(self) -> None:
        """Let a launcher go that was killed: the next start makes a new one."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None

    def _launch(self) -> "Launcher":
        if self._launcher is None:
            self._launcher = self._make_launcher()
        return self._launcher

    def _new_id(self) -> str:
        from toolkit.engine.names import random_id  # noqa: PLC0415 - one import for one line

        return random_id()

    def _name(self, asked: str) -> str:
        if not asked:
            from toolkit.engine.names import random_name  # noqa: PLC0415 - not for named ones

            return random_name(lambda name: self._db.by_name(name) is not None)
        return self.check_name(asked)

    def check_name(self, asked: str) -> str:
        """The name; ``InvalidInputError`` for one that no container can have."""
        from toolkit.engine.names import check_name  # noqa: PLC0415 - not for those without

        return check_name(asked)

    def _checked(self, config: "ContainerConfig") -> "ContainerConfig":
        """The config with modes that exist; a network is another container's by its id."""
        check_modes(config)
        check_logging(config)
        other = config.network.partition(":")[2]
        if not other:
            self._networks.check(config)
            return config
        view = self.inspect(other)
        beyond = view.config.network.partition(":")[2]
        return replace(config, network=f"container:{beyond or view.id}")

    def _joins(self, config: "ContainerConfig", container: str = "") -> Joins:
        """The namespaces to join, of containers that run now.

        One that is started again returns to those who shared its network.
        """
        network = self._path_of(config.network, "net")
        if container and not network and config.network != "host":
            network = self._watch.shared_stack(container)
        ipc = shm = ""
        if config.ipc.startswith("container:"):
            other = self.running(config.ipc.removeprefix("container:"))
            if other.config.ipc != "shareable":
                raise ConflictError(
                    f"container '{other.name}' does not share its ipc namespace",
                    hint="make it with --ipc shareable",
                )
            ipc, shm = f"/proc/{other.pid}/ns/ipc", self.settings.shm_dir(other.id)
        return Joins(pid=self._path_of(config.pid, "pid"), network=network, ipc=ipc, shm=shm)

    def _path_of(self, mode: str, kind: str) -> str:
        other = mode.removeprefix("container:")
        return "" if other == mode else f"/proc/{self.running(other).pid}/ns/{kind}"

    # entering

    def exec(
        self,
        reference: str,
        config: "ExecConfig",
        stdio: "Stdio",
        *,
        asked: "Callable[[], object]" = _nothing,
    ) -> Running:
        """Run one more process in a running container."""
        view = self.running(reference)
        asked()
        session = self.exec_session(view, config, stdio)
        started(session, view.id, view.name)
        if config.rows and session.master is not None:
            session.resize(config.rows, config.columns)
        return Running(view.id, session)

    def exec_session(self, view: "View", config: "ExecConfig", stdio: "Stdio") -> "Session":
        """Ask for one more process, without waiting until it runs."""
        from toolkit.engine.entering import exec_request  # noqa: PLC0415 - a start needs it not

        stored = load(self._db.find(view.id).config)
        session = self._launch().exec(exec_request(self.settings, view, stored, config), stdio)
        self.note(f"exec_start: {' '.join(config.command)}", view.id)
        return session

    def attach(self, reference: str, stdio: "Stdio") -> Running:
        """Hear what a running container says from now on, and say what it hears."""
        from toolkit.engine import ending  # noqa: PLC0415 - a start needs it not

        view = self.inspect(reference)
        session = ending.shim(self, view.id)
        if session is None:
            raise ConflictError(
                f"container '{view.name}' is {view.status}: nothing to attach to",
                hint=f"start it with 'dockyard start -a {view.name}'",
            )
        session.attach(stdio)
        self.note("attach", view.id)
        return Running(view.id, session)

    # ending

    def kill(self, reference: str, number: int = _KILL) -> None:
        """Send a signal to the container's first process."""
        from toolkit.engine import ending  # noqa: PLC0415 - a start needs it not

        ending.kill(self, reference, number)

    def stop(
        self, reference: str, timeout: float | None = None, *, signal: int | None = None
    ) -> None:
        """Ask a container to end, and kill it after ``timeout`` seconds (-1: never)."""
        from toolkit.engine import ending  # noqa: PLC0415 - as above

        ending.stop(self, reference, timeout, number=signal)

    def wait(self, reference: str) -> int:
        """Wait until a container is over; its exit status."""
        from toolkit.engine import ending  # noqa: PLC0415 - as above

        return ending.wait(self, reference)

    def remove(self, reference: str, *, force: bool = False, volumes: bool = False) -> str:
        """Remove a container that is over, or with ``force`` any; its id.

        With ``volumes`` the anonymous ones that nobody else uses go, too.
        """
        from toolkit.engine import ending  # noqa: PLC0415 - as above

        return ending.remove(self, reference, force=force, volumes=volumes)

    def left(self, container: str, config: "ContainerConfig") -> None:
        """A container is over: give back its place on networks."""
        self._networks.left(container, config, self._watch)

    # changing

    def pause(self, reference: str) -> None:
        """Stop every process of a running container."""
        from toolkit.engine import control  # noqa: PLC0415 - a start needs it not

        control.pause(self, reference)

    def unpause(self, reference: str) -> None:
        """Let the processes of a paused container go on."""
        from toolkit.engine import control  # noqa: PLC0415 - as above

        control.unpause(self, reference)

    def rename(self, reference: str, name: str) -> None:
        """Give a container another name."""
        from toolkit.engine import control  # noqa: PLC0415 - as above

        control.rename(self, reference, name)

    def update(self, reference: str, asked: "Update") -> None:
        """Give a container other limits, now and at every later start."""
        from toolkit.engine import control  # noqa: PLC0415 - as above

        control.update(self, reference, asked)

    def restart(
        self, reference: str, timeout: float | None = None, *, signal: int | None = None
    ) -> None:
        """Stop a container that runs, and start it."""
        from toolkit.engine import control  # noqa: PLC0415 - as above

        control.restart(self, reference, timeout, number=signal)

    # volumes and networks

    @property
    def volumes(self) -> "Volumes":
        """The volumes of this data root."""
        if self._volumes is None:
            from toolkit.engine.volumes import Volumes  # noqa: PLC0415 - few have any

            self._volumes = Volumes(self.settings, self._db, self.events)
        return self._volumes

    @property
    def networks(self) -> "Networks":
        """The networks that containers join."""
        return self._networks.load()

    @property
    def network_desk(self) -> "NetworkDesk":
        """What makes, shows, connects and removes them."""
        from toolkit.engine.netdesk import NetworkDesk  # noqa: PLC0415 - no container needs it

        return NetworkDesk(self.networks, self._db, self._watch, self.events)

    def link(self, references: tuple[str, str], addresses: tuple[str, str] = ("", "")) -> None:
        """Join two running containers by a wire of their own; it goes with either."""
        views = [self.running(one) for one in references]
        for view in views:
            if view.config.network == "host":
                raise ConflictError(f"container '{view.name}' is on the host's own network")
        paths = [f"/proc/{view.pid}/ns/net" for view in views]
        self.networks.wires.link((paths[0], paths[1]), addresses)

    # looking

    def list(
        self,
        *,
        all: bool = False,  # noqa: A002 - as 'ps --all' says
        filters: "Filters | None" = None,
        last: int = -1,
    ) -> "list[View]":
        """Running containers, or all that are whole, or the ``last`` made; the newest first.

        ``filters`` are those of ``toolkit.engine.filters``.
        """
        rows = [row for row in self._db.all() if self._watch.listed(row)]
        joined = self._networks.joined()
        views = [self._watch.view(row, joined=joined) for row in rows]
        everyone = views
        if filters:
            from toolkit.engine.filters import asks_for_all, select  # noqa: PLC0415 - seldom

            views = select(views, filters, everyone)
            all = all or asks_for_all(filters)  # noqa: A001 - as above
        if last >= 0:
            return views[:last]
        return [view for view in views if all or view.status in _ACTIVE]

    def top(self, reference: str, arguments: tuple[str, ...] = ()) -> "Table":
        """The processes of a running container, as ``ps`` shows them."""
        from toolkit.engine import usage  # noqa: PLC0415 - a start needs it not

        return usage.top(self, reference, arguments)

    def sample(self, reference: str) -> "Sample":
        """What a running container uses; two of them tell its share of the processors."""
        from toolkit.engine import usage  # noqa: PLC0415 - as above

        return usage.sample(self, reference)

    def logs(
        self, reference: str, span: "Span | None" = None, *, follow: bool = False
    ) -> "Iterator[LogLine]":
        """The lines that ``span`` wants; with ``follow`` until the container ends."""
        from toolkit.engine import logs  # noqa: PLC0415 - as above

        view = self.inspect(reference)
        more = (lambda: self._watch.state(view.id) is not None) if follow else None
        if view.config.log_driver == "journald":
            from toolkit.engine.journald import read_journal  # noqa: PLC0415 - as above

            return read_journal(view.id, span or logs.ALL, more=more)
        if view.status != "created" and not view.log:
            raise ConflictError(
                f"container '{view.name}' keeps no log",
                hint="what runs with --rm in the foreground writes to its caller only",
            )
        return logs.read_log(view.log, span or logs.ALL, more=more)

    def inspect(self, reference: str) -> "View":
        """A container as it is now."""
        return self._watch.view(self._db.find(reference))

    def running(self, reference: str) -> "View":
        """Like ``inspect``; ``ConflictError`` for one that does not run."""
        view = self.inspect(reference)
        if view.status != "running":
            raise ConflictError(f"container '{view.name}' is not running: it is {view.status}")
        return view
