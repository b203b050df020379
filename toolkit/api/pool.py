"""Threads that ask the engine: each has one of its own, because SQLite is bound to its thread.

They share one launcher. A call is short: nothing here waits for a container's end or for a client.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from toolkit.core.errors import UnavailableError

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.seams import Launcher, LauncherFactory, Session, Stdio
    from toolkit.runtime.request import ExecRequest, StartRequest

T = TypeVar("T")
_THREADS = 8


class Pool:
    """Calls the engine from the loop."""

    def __init__(self, open_engine: "Callable[[], Engine]", *, threads: int = _THREADS) -> None:
        self._open = open_engine
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._aside = ThreadPoolExecutor(threads, thread_name_prefix="files")

    async def call(self, action: "Callable[[Engine], T]") -> T:
        """``action(engine)``, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._do, action)

    async def aside(self, action: Callable[[], T]) -> T:
        """Something that needs no engine and may take long, as reading files does."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, action)

    async def apart(self, action: Callable[[], T]) -> T:
        """Something long, in a thread of its own; the server's end does not wait for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: "T | None", error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast("T", value))

        def work() -> None:
            value, fault = None, None
            try:
                value = action()
            except BaseException as error:  # noqa: BLE001 - carried to whoever waits
                fault = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, value, fault)

        threading.Thread(target=work, name="apart", daemon=True).start()
        return await future

    async def alone(self, action: "Callable[[Engine], T]") -> T:
        """``action`` with an engine of its own, apart."""
        return await self.apart(lambda: self.use(action))

    def use(self, action: "Callable[[Engine], T]") -> T:
        """``action`` with an engine of its own, in this very thread."""
        with self._open() as engine:
            return action(engine)

    def _do(self, action: "Callable[[Engine], T]") -> T:
        engine = getattr(self._local, "engine", None)
        if engine is None:
            engine = self._local.engine = self._open()
        return action(engine)

    def close(self) -> None:
        """Take no more calls; those that run end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._aside.shutdown(wait=False, cancel_futures=True)


class SharedLauncher:
    """One launcher for all threads; a new one where the old one was killed."""

    def __init__(self, make: "LauncherFactory") -> None:
        self._make = make
        self._lock = threading.Lock()
        self._launcher: Launcher | None = None

    def __call__(self) -> "SharedLauncher":
        """Itself: it is the factory of every engine's launcher."""
        return self

    def warm(self) -> None:
        """Start it before somebody waits for it."""
        self._current()

    def start(self, request: "StartRequest", stdio: "Stdio", /) -> "Session":
        """Ask for a container."""
        return self._ask(lambda launcher: launcher.start(request, stdio))

    def exec(self, request: "ExecRequest", stdio: "Stdio", /) -> "Session":
        """Ask for one more process in one."""
        return self._ask(lambda launcher: launcher.exec(request, stdio))

    def close(self) -> None:
        """Nothing: others use it."""

    def _ask(self, wanted: "Callable[[Launcher], Session]") -> "Session":
        launcher = self._current()
        try:
            return wanted(launcher)
        except UnavailableError:
            return wanted(self._current(instead_of=launcher))

    def _current(self, *, instead_of: "Launcher | None" = None) -> "Launcher":
        with self._lock:
            if self._launcher is not None and self._launcher is instead_of:
                self._launcher.close()
                self._launcher = None
            if self._launcher is None:
                self._launcher = self._make()
            return self._launcher
