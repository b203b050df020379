"""The layers of one image that are missing, unpacked a few at once, each onto those below it.

A layer needs those below it only at its end, for what it deletes of them; so it is read, checked
and unpacked beside them, and waits there. Whoever makes a layer waits for lower ones only, so two
commands that need the same layers cannot wait for each other.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.threads import run_together
from toolkit.images.boot import boot_id
from toolkit.images.layers import Layer, LayerStore, count
from toolkit.images.limits import Limits
from toolkit.images.unpack import Unpacker
from toolkit.oci.digest import Digest
from toolkit.oci.image import chain_ids

_LOG = logging.getLogger(__name__)
PARALLEL = 3  # layers at once
_PAUSE = 0.02

Tar = Callable[[], Iterator[bytes]]  # gives the plain tar of one layer


class _GivenUpError(ToolkitError):
    """Another layer has failed, or somebody wants no image any more."""


class _Missing(NamedTuple):
    place: int
    chain_id: Digest
    diff_id: Digest
    tar: Tar


def unpack_layers(
    store: LayerStore,
    diff_ids: tuple[Digest, ...],
    tars: list[Tar],
    limits: Limits,
    *,
    give_up: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """The directories of all layers, topmost first; those that are there already stay.

    ``give_up`` is called when this is interrupted: it ends the reading of ``tars``.
    """
    chains = chain_ids(diff_ids)
    missing = [
        _Missing(place, *one)
        for place, one in enumerate(zip(chains, diff_ids, tars, strict=True))
        if not store.find(one[0])
    ]
    lower = tuple(store.diff(chain) for chain in reversed(chains))
    if missing:
        with Unpacker(limits=limits) as unpacker:
            _Stack(store, unpacker, missing, lower).run(give_up)
    return lower


class _Stack:
    """The work of several threads on one image; ``lower`` are all its layers, topmost first."""

    def __init__(
        self,
        store: LayerStore,
        unpacker: Unpacker,
        missing: list[_Missing],
        lower: tuple[str, ...],
    ) -> None:
        self._store = store
        self._unpacker = unpacker
        self._lower = lower
        self._rest = iter(missing)
        self._open = {one.place for one in missing}
        self._moved = threading.Condition()
        self._stopped = False
        self._failed: list[tuple[int, BaseException]] = []

    def run(self, give_up: Callable[[], None]) -> None:
        """Make all of them; raises what the lowest one that failed met."""
        count = min(PARALLEL, len(self._open))
        threads = [threading.Thread(target=self._work) for _ in range(count)]

        def stop() -> None:
            self._stop()
            give_up()

        run_together(threads, stop)
        if self._failed:
            raise min(self._failed, key=lambda one: one[0])[1]

    def _work(self) -> None:
        while (one := self._next()) is not None:
            try:
                self._make(one)
            except _GivenUpError:
                return
            except BaseException as error:  # noqa: BLE001 - a thread's edge: ``run`` raises it
                with self._moved:
                    self._failed.append((one.place, error))
                self._stop()
                return
            with self._moved:
                self._open.discard(one.place)
                self._moved.notify_all()

    def _next(self) -> _Missing | None:
        with self._moved:
            return None if self._stopped else next(self._rest, None)

    def _stop(self) -> None:
        with self._moved:
            self._stopped = True
            self._moved.notify_all()

    def _make(self, one: _Missing) -> None:
        with self._store.making(one.chain_id, pause=self._pause) as part:
            if part is None:
                return  # another process made it while this one waited
            try:
                done = self._unpacker.unpack(
                    self._checked(one),
                    part.diff,
                    lowers=lambda: self._below(one.place),
                    lock_fd=part.lock_fd,
                )
            except InvalidInputError as error:
                raise InvalidInputError(f"layer {one.diff_id}: {error}", hint=error.hint) from None
            for note in done.notes:
                _LOG.info("layer %s: %s", one.diff_id, note)
            files, size = count(part.diff)
            layer = Layer(
                diff_id=str(one.diff_id), files=files, bytes=size, boot=boot_id(), notes=done.notes
            )
            self._store.finish(part, one.chain_id, layer)

    def _pause(self) -> None:
        """Wait a little for another process."""
        with self._moved:
            if self._moved.wait_for(lambda: self._stopped, _PAUSE):
                raise _GivenUpError("the image was given up")

    def _below(self, place: int) -> tuple[str, ...]:
        """The directories below a layer, once all of them are whole."""
        with self._moved:
            self._moved.wait_for(lambda: self._stopped or min(self._open) >= place)
            if self._stopped:
                raise _GivenUpError("the image was given up")
        return self._lower[len(self._lower) - place :]

    def _checked(self, one: _Missing) -> Iterator[bytes]:
        """The tar's chunks; at the end its digest must be what the configuration promised."""
        import hashlib  # noqa: PLC0415 - as in toolkit.oci.digest

        seen = hashlib.new(one.diff_id.algorithm)
        for chunk in one.tar():
            if self._stopped:
                raise _GivenUpError("the image was given up")
            seen.update(chunk)
            yield chunk
        if seen.hexdigest() != one.diff_id.hex:
            raise InvalidInputError(
                f"its content has the digest {one.diff_id.algorithm}:{seen.hexdigest()}",
                hint="the image is damaged, or its configuration belongs to another one",
            )
