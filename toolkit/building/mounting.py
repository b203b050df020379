"""``RUN --mount``: the directories and files that a command sees beside its root.

A bind from the context or another stage is a copy that is thrown away, so that an ignored file is
not seen and nothing outside can be written. Caches live below the data root until they are pruned.
"""

import fcntl
import hashlib
import os
import shutil
from contextlib import ExitStack

from toolkit.building.bases import find_image
from toolkit.building.cache import CACHES
from toolkit.building.mounts import MountRequest, parse_mount
from toolkit.building.planning import expanded, stage_of
from toolkit.building.selecting import clean
from toolkit.building.workshop import root_of
from toolkit.core.errors import NotFoundError
from toolkit.oci.spec import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from toolkit.building.draft import Draft
    from toolkit.building.parsing import Instruction
    from toolkit.building.site import Site
    from toolkit.building.workshop import Bench

_SCRIPT = "/dev/pipes/script"
_QUIET = ("nosuid", "nodev")


class Mounting:
    """The mounts of one RUN; a context manager that lets them go."""

    def __init__(
        self, site: "Site", step: "Instruction", draft: "Draft", bench: "Bench", stage: int
    ) -> None:
        self._site = site
        self._stage = stage
        self._step = step
        self._draft = draft
        self._bench = bench
        self._stack = ExitStack()
        self._mounts: list[Mount] = []
        self.environment: list[str] = []

    def __enter__(self) -> "Self":
        variables = {**self._site.plan.variables, **self._draft.environment}
        try:
            for place, text in enumerate(self._step.all_of("mount")):
                words = expanded(text, variables, self._step, "\\")
                self._add(parse_mount(words, self._step.place), f"mount{place}")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def mounts(self, script: str) -> tuple[Mount, ...]:
        """All of them; ``script`` is a file that shall be executable inside."""
        if not script:
            return tuple(self._mounts)
        options = ("bind", "ro", "rprivate")
        mount = Mount(destination=_SCRIPT, source=script, type="bind", options=options)
        return (*self._mounts, mount)

    def _add(self, asked: MountRequest, name: str) -> None:
        target = os.path.join(self._draft.workdir, asked.target) if asked.target else ""
        if asked.kind == "tmpfs":
            options = (*_QUIET, "mode=1777", *((f"size={asked.size}",) if asked.size else ()))
            self._mounts.append(Mount(destination=target, type="tmpfs", options=options))
        elif asked.kind == "secret":
            self._secret(asked, target)
        elif asked.kind == "cache":
            self._bind(self._cache(asked), target, writable=asked.writable)
        else:
            self._bind(self._files(asked, name), target, writable=asked.writable)

    def _bind(self, source: str, target: str, *, writable: bool) -> None:
        options = ("rbind", "rw" if writable else "rro", "rprivate", *_QUIET)
        self._mounts.append(Mount(destination=target, type="bind", source=source, options=options))

    def _secret(self, asked: MountRequest, target: str) -> None:
        wanted = asked.id or os.path.basename(target)
        found = next((one for one in self._site.request.secrets if one.name == wanted), None)
        if found is None:
            if asked.required:
                raise NotFoundError(
                    f"{self._step.place}: the secret '{wanted}' is required",
                    hint=f"give it with --secret id={wanted},src=FILE",
                )
            return
        if asked.env:
            self.environment.append(f"{asked.env}={found.data.decode(errors='surrogateescape')}")
        if not target:
            return
        run_root = self._site.services.settings.run_root
        os.makedirs(run_root, mode=0o711, exist_ok=True)
        path = f"{run_root}/.secret.{os.urandom(12).hex()}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._stack.callback(os.unlink, path)
        with open(fd, "wb") as file:
            file.write(found.data)
            os.fchown(fd, asked.uid, asked.gid)
            os.fchmod(fd, 0o400 if asked.mode is None else asked.mode)
        self._bind(path, target, writable=False)

    def _cache(self, asked: MountRequest) -> str:
        """The directory of a cache, held as ``sharing`` says until the command is over."""
        name = hashlib.sha256((asked.id or asked.target).encode()).hexdigest()[:32]
        top = os.path.join(self._site.services.settings.data_root, CACHES)
        path = os.path.join(top, name)
        if asked.sharing == "shared":
            return self._made(path, asked)
        for number in range(1000):
            held = path if not number else f"{path}.{number}"
            self._made(held, asked)
            fd = os.open(held, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._stack.callback(os.close, fd)
            if asked.sharing == "locked":
                fcntl.flock(fd, fcntl.LOCK_EX)
                return held
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return held
        raise NotFoundError(f"the cache '{asked.id or asked.target}' is in use a thousand times")

    def _made(self, path: str, asked: MountRequest) -> str:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            os.utime(path)  # it is used: ``builder prune`` asks for that
            return path
        if asked.source_stage:
            files = self._files(asked, f"seed{len(self._mounts)}")
            shutil.copytree(files, path, symlinks=True, dirs_exist_ok=True)
        os.chown(path, asked.uid, asked.gid)
        os.chmod(path, 0o755 if asked.mode is None else asked.mode)
        return path

    def _files(self, asked: MountRequest, name: str) -> str:
        """A copy of what a bind shows: a directory, or one file of it."""
        into = f"{self._bench.path}/{name}"
        os.mkdir(into, 0o755)
        source: dict[str, Any]
        path = clean(asked.source)
        if not asked.source_stage:
            source = self._site.context.source([path])
        else:
            lowers = self._lowers(asked.source_stage)
            stage = root_of(self._bench, lowers, f"{name}.from")
            where = f"stage '{asked.source_stage}'"
            source = {"stage": stage, "name": where, "ignore": [], "paths": [path]}
        answer = self._site.workshop.ask(
            {
                "kind": "copy",
                "root": {"lower": [], "upper": into},
                "sources": [source],
                "destination": "/",
                "owner": None if asked.source_stage else (0, 0),
                "mode": None,
                "exclude": [],
                "unpack": False,
            }
        )
        single = os.path.join(into, os.path.basename(path))
        return into if answer["directory"] else single

    def _lowers(self, name: str) -> tuple[str, ...]:
        """The layers of a stage or image."""
        index = stage_of(name, self._site.plan.names, self._stage)
        if index is not None:
            return self._site.draft(index).lowers
        return find_image(self._site, name, self._step.place).lowers
