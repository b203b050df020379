"""Bytes both ways between a client and a container's pipes, whatever carries them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

HIGH = 256 << 10  # bytes waiting for a client before its container's stream is held back
PATIENCE = 10.0  # seconds for what is left when the container has said all


def _ignore(*_: object) -> None:
    """Nobody wants to hear."""


class Line(ABC):
    """What carries them; made in a running loop.

    ``on_data`` and ``on_end`` hear of the client's half; ``on_room`` is called once when the
    client takes bytes again after ``full`` was true. ``gone`` is done when the client is.
    """

    def __init__(self) -> None:
        self.on_data: Callable[[bytes], None] = _ignore
        self.on_end: Callable[[], None] = _ignore
        self.on_room: list[Callable[[], None]] = []
        self.full = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @abstractmethod
    def listen(self) -> None:
        """Hear the client from now on."""

    @abstractmethod
    def hold(self) -> None:
        """Hear nothing for a while: the container does not take what was said."""

    @abstractmethod
    def go_on(self) -> None:
        """Hear the client again, if that was held."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand bytes to the client; nothing where it is gone."""

    @abstractmethod
    async def finish(self) -> None:
        """Hand over what is left, then close; a client that takes nothing is cut off."""

    async def room(self) -> None:
        """Wait until the client takes more, or is gone."""
        if self.full and not self.gone.done():
            free = asyncio.Event()
            self.on_room.append(free.set)
            await free.wait()

    def lose(self) -> None:
        """The client is gone: nobody waits for it any more."""
        if not self.gone.done():
            self.gone.set_result(None)
        self.flow()

    def flow(self) -> None:
        """The client takes bytes again."""
        self.full = False
        waiting, self.on_room = self.on_room, []
        for action in waiting:
            action()
