"""Containers of one launcher, one after the other or many at once."""

import os
from pathlib import Path

from toolkit.engine.config import ContainerConfig
from toolkit.engine.spec import Context, to_spec
from toolkit.oci.image import ImageConfig
from toolkit.runtime.client import Launcher, Session
from toolkit.runtime.request import Overlay, StartRequest


class Starts:
    """Starts ``/bin/true`` again and again through one launcher; ``running`` are states."""

    def __init__(self, launcher: Launcher, root: Path, *, folder: Path, states: Path) -> None:
        self.running: list[str] = []
        self._launcher = launcher
        self._count = 0
        self._folder = folder
        nothing = os.open(os.devnull, os.O_RDWR)
        self._stdio = (nothing, nothing, nothing)
        self._root = str(root)
        self._states = states
        self._short, self._long = (
            to_spec(
                ContainerConfig(rootfs=str(root), command=command, seccomp="unconfined"),
                ImageConfig(labels={}),
                Context(id="bench"),
            )
            for command in (("/bin/true",), ("/bin/sleep", "3600"))
        )
        states.mkdir()

    def one(self) -> None:
        """One container, from the request to its exit status."""
        self._end(self._ask(idle=False))

    def together(self, count: int) -> None:
        """As many at once, until the last has ended."""
        for session in [self._ask(idle=False) for _ in range(count)]:
            self._end(session)

    def idle(self) -> None:
        """One that stays, with a shim of its own, until its program runs."""
        with self._ask(idle=True) as session:
            session.started()

    def _end(self, session: Session) -> None:
        with session:
            status = session.wait()
        if status != 0:
            raise RuntimeError(f"/bin/true ended with status {status}")

    def _ask(self, *, idle: bool) -> Session:
        self._count += 1
        name = f"bench{self._count}"
        upper, work = self._folder / name / "upper", self._folder / name / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        state = str(self._states / name)
        if idle:
            self.running.append(state)
        request = StartRequest(
            id=name,
            spec=self._long if idle else self._short,
            state_dir=state,
            cgroup=f"dockyard-{name}",
            overlay=Overlay(lower=(self._root,), upper=str(upper), work=str(work), volatile=True),
            remove=(str(self._folder / name), state),
            passthrough=not idle,
        )
        return self._launcher.start(request, self._stdio)
