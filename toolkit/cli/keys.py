"""Detach keys: what is typed to leave a container running, and the hand that types all else."""

import os
import select

from toolkit.core.errors import InvalidInputError
from toolkit.linux.signals import wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.terminal import Detachable

DEFAULT_KEYS = "ctrl-p,ctrl-q"
_NAMED = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}
_CHUNK = 4096


def parse_keys(text: str) -> bytes:
    """Keys as Docker writes them: ``ctrl-a,x``, letters and ``@ [ \\ ] ^ _`` with ``ctrl-``."""
    found = bytearray()
    for key in filter(None, text.split(",")):
        name = key.removeprefix("ctrl-")
        if name == key and len(key) == 1 and key.isascii():
            found.append(ord(key))
        elif name != key and len(name) == 1 and "a" <= name.lower() <= "z":
            found.append(ord(name.lower()) - ord("a") + 1)
        elif name != key and name in _NAMED:
            found.append(_NAMED[name])
        else:
            raise InvalidInputError(
                f"detach-keys: '{key}' is no key",
                hint="write letters and ctrl-LETTER, as in ctrl-x,d",
            )
    return bytes(found)


class Typist:
    """Hands on what is typed, and knows when the keys were typed; till then they are held back."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def take(self, typed: bytes) -> tuple[bytes, bool]:
        """(what to hand on, whether the keys are complete)."""
        out = bytearray()
        for number in typed:
            self._held += bytes((number,))
            if self._held == self._keys:
                return bytes(out), True
            while self._held and not self._keys.startswith(self._held):
                out.append(self._held[0])
                self._held = self._held[1:]
        return bytes(out), False


def type_to(process: "Detachable", feed: int, keys: bytes) -> bool:
    """Hand stdin on through ``feed`` until the process has news; whether the keys were typed."""
    typist = Typist(keys)
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(process.fileno(), select.POLLIN)
    while True:
        ready = wait(poll)
        if process.fileno() in ready:
            return False
        if 0 not in ready:
            continue
        typed = _read()
        if not typed:
            poll.unregister(0)
            continue
        text, done = typist.take(typed)
        _write(feed, text)
        if done:
            return True


def _read() -> bytes:
    try:
        return os.read(0, _CHUNK)
    except OSError:  # the terminal was hung up
        return b""


def _write(feed: int, text: bytes) -> None:
    """The container may have ended, and nobody reads any more: the next look tells."""
    try:
        while text:
            text = text[os.write(feed, text) :]
    except BrokenPipeError:
        return
