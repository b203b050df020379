"""RUN: one command in a container of the engine, on the stage's layers.

What it writes lies in the step's own upper layer. The container is tied to this process: it is
ended when the build is, even by a kill.
"""

import os
from contextlib import ExitStack

from toolkit.building import events
from toolkit.building.faults import StepFailedError
from toolkit.building.mounting import Mounting
from toolkit.core.errors import ToolkitError
from toolkit.core.record import record, replace
from toolkit.engine.config import ContainerConfig
from toolkit.engine.engine import Engine
from toolkit.images.root import RootImage
from toolkit.oci.image import ImageConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.building.draft import Draft
    from toolkit.building.parsing import Instruction
    from toolkit.building.site import Site
    from toolkit.building.workshop import Bench
    from toolkit.oci.spec import Mount, Spec

_CHUNK = 1 << 16
_OPEN = 0o755  # whatever the umask says


@record
class Command:
    """What a RUN runs: ``shown`` is how messages call it, ``script`` a file that it needs."""

    argv: tuple[str, ...]
    shown: str
    environment: tuple[str, ...] = ()
    network: str = ""
    script: str = ""


class Kitchen:
    """Runs the commands of one stage, one after the other; made and used in one thread."""

    def __init__(self, site: "Site", stage: int) -> None:
        self._site = site
        self._stage = stage
        self._engine: Engine | None = None
        self._image: RootImage | None = None

    def close(self) -> None:
        """Let the engine go."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def run(
        self,
        step: "Instruction",
        command: Command,
        draft: "Draft",
        bench: "Bench",
    ) -> frozenset[bytes]:
        """Run a command; the places of its mounts. ``StepFailedError`` where it fails."""
        prepare_bench(bench, draft)
        lowers = draft.lowers or (f"{bench.path}/empty",)
        self._image = RootImage(
            reference=draft.id[:12],
            lower=lowers,
            config=ImageConfig(env=tuple(draft.config.get("Env") or ()), labels={}),
            digest="",
        )
        with ExitStack() as stack:
            mounting = stack.enter_context(Mounting(self._site, step, draft, bench, self._stage))
            config = self._config(command, draft, mounting)
            places: set[bytes] = set()

            def shape(spec: "Spec", _directory: str) -> "Spec":
                mounts = (*spec.mounts, *mounting.mounts(command.script))
                places.update(_place(mount) for mount in mounts)
                return replace(spec, mounts=mounts)

            status = self._to_the_end(config, shape, bench)
        if status:
            self._site.check()
            raise StepFailedError(
                f"The command '{command.shown}' returned a non-zero code: {status}",
                status=status,
                hint=f"{step.place}",
            )
        return frozenset(places)

    def _config(self, command: Command, draft: "Draft", mounting: Mounting) -> ContainerConfig:
        request, settings = self._site.request, self._site.services.settings
        network = command.network or request.network
        return ContainerConfig(
            image=draft.id[:12],
            command=command.argv,
            env=(*command.environment, *mounting.environment),
            workdir=draft.workdir,
            user=draft.config.get("User") or "",
            network=settings.network if network == "default" else network,
            add_hosts=request.add_hosts,
            auto_remove=True,
        )

    def _to_the_end(
        self,
        config: ContainerConfig,
        shape: "Callable[[Spec, str], Spec]",
        bench: "Bench",
    ) -> int:
        engine = self._open()
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        reader, writer = os.pipe()
        try:
            stdio = (nothing, writer, writer)
            running = engine.run(config, stdio, tied=True, shape=shape, keep=bench.path)
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(nothing)
            os.close(writer)
        self._site.emit(events.Running(stage=self._stage, container=running.id))
        with running, open(reader, "rb", buffering=0) as pipe:
            try:
                with self._site.running(running):
                    while data := pipe.read(_CHUNK):
                        self._site.emit(events.Output(stage=self._stage, data=data))
                    return running.wait()
            except BaseException:
                engine.remove(running.id, force=True)
                raise

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(self._site.services.settings, self._site.launcher, self._resolve)
        return self._engine

    def _resolve(self, _reference: str, /) -> RootImage:
        assert self._image is not None, "run sets it before the engine asks"
        return self._image


def prepare_bench(bench: "Bench", draft: "Draft") -> None:
    """An upper layer like the root below it, and what overlayfs needs beside it."""
    for path in (bench.upper, bench.work, f"{bench.path}/empty"):
        os.mkdir(path)
        os.chmod(path, _OPEN)
    if draft.lowers:
        below = os.stat(draft.lowers[0])
        os.chmod(bench.upper, below.st_mode & 0o7777)
        os.chown(bench.upper, below.st_uid, below.st_gid)


def _place(mount: "Mount") -> bytes:
    return os.fsencode(mount.destination.strip("/"))


def failed_to_start(step: "Instruction", error: ToolkitError) -> ToolkitError:
    """A command that could not be started, as the build tells it."""
    status = error.exit_status if error.exit_status in (126, 127) else 1
    return StepFailedError(f"{step.place}: {error.message}", status=status, hint=error.hint)
