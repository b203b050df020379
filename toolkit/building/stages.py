"""One stage, step by step: variables, keys, and what each step leaves of itself."""

import hashlib
import json
import os
import time
from contextlib import ExitStack, closing

from toolkit.building.adding import Reader, owner_of
from toolkit.building.bases import SCRATCH, find_image
from toolkit.building.cache import Cache, Cached
from toolkit.building.draft import Draft
from toolkit.building.events import Note, StageDone, StepCached, StepDone, StepStarted
from toolkit.building.layering import harvest
from toolkit.building.parsing import Instruction, parse_trigger
from toolkit.building.planning import PROXIES, Planned, expanded
from toolkit.building.running import Command, Kitchen, failed_to_start, prepare_bench
from toolkit.building.words import WordError, expand, split_words
from toolkit.building.workshop import root_of
from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.oci.image import chain_ids
from toolkit.runtime.client import StartError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.building.site import Site
    from toolkit.building.workshop import Bench

    Make = Callable[[Bench], frozenset[bytes]]

_SCRIPT = 0o755
_PLAIN = ("CMD", "ENTRYPOINT", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "SHELL")  # no variables


class StageBuild:
    """Builds one stage; made and used in one thread."""

    def __init__(self, site: "Site", planned: Planned, escape: str) -> None:
        self._site = site
        self._planned = planned
        self._index = planned.stage.index
        self._escape = escape
        self._number = planned.number
        self._draft = Draft.empty()
        self._arguments: dict[str, str] = {}
        self._cache: Cache
        self._kitchen: Kitchen
        self._reader = Reader(site, self._index, escape)

    def run(self) -> Draft:
        """All steps; the stage's image, which the site has too."""
        with ExitStack() as stack:
            self._cache = stack.enter_context(closing(Cache(self._site.library.data_root)))
            self._kitchen = stack.enter_context(closing(Kitchen(self._site, self._index)))
            self._draft = self._base()
            self._triggers()
            for step in self._planned.stage.steps:
                self._announce(step)
                self._step(step)
                self._site.emit(StepDone(stage=self._index, image=self._draft.id))
        self._site.finish(self._index, self._draft)
        self._site.emit(StageDone(stage=self._index))
        return self._draft

    # the base

    def _base(self) -> Draft:
        self._announce(self._planned.stage.origin)
        if self._planned.parent is not None:
            draft = self._site.draft(self._planned.parent).child()
        else:
            draft = find_image(self._site, self._planned.base, self._planned.stage.origin.place)
        if self._planned.base.lower() != SCRATCH:
            self._site.emit(StepDone(stage=self._index, image=draft.id))
        return draft

    def _announce(self, step: Instruction) -> None:
        self._site.check()
        self._number += 1
        total = self._site.plan.total
        self._site.emit(
            StepStarted(stage=self._index, number=self._number, total=total, text=step.text)
        )

    def _triggers(self) -> None:
        """What the base keeps for whoever builds on it: done now, and kept no longer."""
        texts = self._draft.config.pop("OnBuild", None) or ()
        if texts:
            many = "trigger" if len(texts) == 1 else "triggers"
            self._say(f"# Executing {len(texts)} build {many}")
        name = f"ONBUILD of {self._planned.base}"
        for text in texts:
            self._site.check()
            self._step(parse_trigger(text, file=name))

    def _say(self, text: str, *, warning: bool = False) -> None:
        self._site.emit(Note(stage=self._index, text=text, warning=warning))

    # steps

    def _step(self, step: Instruction) -> None:
        try:
            if step.name == "ARG":
                self._argument(step)
            elif step.name in ("COPY", "ADD"):
                self._add(step)
            elif step.name == "RUN":
                self._run(step)
            elif step.name == "WORKDIR":
                self._workdir(step)
            else:
                self._metadata(step)
        except WordError as error:
            raise step.place.fault(f"{step.name}: {error}") from None

    def _variables(self) -> dict[str, str]:
        """What an instruction sees: the environment wins over arguments."""
        return {**self._arguments, **self._draft.environment}

    def _argument(self, step: Instruction) -> None:
        site = self._site
        for name, default in step.pairs:
            if name in site.arguments:
                self._arguments[name] = site.arguments[name]
            elif default is not None:
                self._arguments[name] = expand(default, self._variables(), self._escape)
            elif name in site.plan.variables:
                self._arguments[name] = site.plan.variables[name]
        words = (name if value is None else f"{name}={value}" for name, value in step.pairs)
        self._unlayered(f"ARG {' '.join(words)}")

    def _words(self, step: Instruction) -> tuple[str, ...]:
        """The words with their variables' values; pairs as name, value, name, …."""
        if step.name in _PLAIN:
            return step.words
        variables = self._variables()
        if step.pairs:
            flat = (part for name, value in step.pairs for part in (name, value or ""))
            return tuple(expand(part, variables, self._escape) for part in flat)
        found = [expand(word, variables, self._escape) for word in step.words]
        if step.name == "EXPOSE":
            return tuple(part for word in found for part in split_words(word))
        if not all(found):
            raise WordError("an argument is empty")
        return tuple(found)

    def _metadata(self, step: Instruction) -> None:
        parent = self._draft.id
        try:
            shown = self._draft.apply(step, self._words(step))
        except InvalidInputError as error:
            raise step.place.fault(f"{step.name}: {error.message}", hint=error.hint) from None
        self._unlayered(f"{step.name} {shown}", parent=parent)

    def _unlayered(self, text: str, *, parent: str = "") -> None:
        """A step that changes only the configuration."""
        created_by = f"{' '.join(self._draft.shell)} #(nop)  {text}"
        key = _key(parent or self._draft.id, created_by)
        found = self._cached(key)
        if found is None:
            history = {**self._history(created_by), "empty_layer": True}
            self._cache.keep(key, history)
            found = Cached(history, None)
        self._draft.done(found.history, None)

    def _cached(self, key: str) -> Cached | None:
        if self._site.request.no_cache:
            return None
        found = self._cache.find(key)
        if found is not None:
            self._site.emit(StepCached(stage=self._index))
        return found

    def _history(self, created_by: str) -> "dict[str, Any]":
        history = {"created": timestamp(self._site.request.epoch), "created_by": created_by}
        author = self._draft.document.get("author")
        return {**history, "author": author} if author else history

    def _layered(
        self, created_by: str, key: str, make: "Make", bench: "Bench | None" = None
    ) -> None:
        """A step that changes files: from the cache, or made now and kept."""
        found = self._cached(key)
        if found is None:
            bench = bench or self._site.bench()
            places = make(bench)
            self._site.check()
            layer, chain = harvest(self._site, bench, self._draft, places)
            history = self._history(created_by)
            if layer is None:
                history["empty_layer"] = True
            self._cache.keep(key, history, layer, chain)
            found = Cached(history, layer)
        directory = ""
        if found.layer is not None:
            directory = self._directory(found)
        self._draft.done(found.history, found.layer, directory)

    def _directory(self, found: Cached) -> str:
        assert found.layer is not None
        layers = (*self._draft.layers, found.layer)
        chain = chain_ids(tuple(layer.diff_id for layer in layers))[-1]
        return self._site.library.layers.diff(chain)

    def _workdir(self, step: Instruction) -> None:
        parent = self._draft.id
        shown = self._draft.apply(step, self._words(step))
        created_by = f"{' '.join(self._draft.shell)} #(nop) WORKDIR {shown}"
        user = self._draft.config.get("User") or ""

        def make(bench: "Bench") -> frozenset[bytes]:
            prepare_bench(bench, self._draft)
            owner = owner_of(user, self._draft.lowers) if user else (0, 0)
            root = root_of(bench, self._draft.lowers)
            self._ask(step, {"kind": "mkdir", "root": root, "path": shown, "owner": owner})
            return frozenset()

        if shown == "/":
            self._unlayered(f"WORKDIR {shown}", parent=parent)
        else:
            self._layered(created_by, _key(parent, created_by), make)

    def _add(self, step: Instruction) -> None:
        bench = self._site.bench()
        adding = self._reader.read(step, self._draft, bench, self._variables())
        created_by = f"{' '.join(self._draft.shell)} #(nop) {adding.shown}"
        extra = json.dumps([adding.owner, adding.mode, adding.exclude, adding.destination])
        linked = bool(step.flag("link")) and step.flag("link") != "false"

        def make(bench: "Bench") -> frozenset[bytes]:
            prepare_bench(bench, Draft.empty() if linked else self._draft)
            root = root_of(bench, () if linked else self._draft.lowers)
            self._ask(step, adding.asked(root, unpack=step.name == "ADD"))
            return frozenset()

        key = _key(self._draft.id, created_by, adding.digest, extra)
        self._layered(created_by, key, make, bench)

    def _ask(self, step: Instruction, asked: "dict[str, Any]") -> None:
        try:
            self._site.workshop.ask(asked)
        except InvalidInputError as error:
            raise step.place.fault(f"{step.name}: {error.message}", hint=error.hint) from None

    def _run(self, step: Instruction) -> None:
        text, script = _script(step)
        environment = self._environment()
        shown = [f"{name}={value}" for name, value in environment if name not in PROXIES]
        argv = (text,) if script else self._draft.command(step, step.words if not text else (text,))
        words = " ".join(argv)
        created_by = f"|{len(shown)} {' '.join(shown)} {words}" if shown else words
        command = Command(
            argv=("/dev/pipes/script",) if script else argv,
            shown=words,
            environment=tuple(f"{name}={value}" for name, value in environment),
            network=expanded(step.flag("network"), self._variables(), step, self._escape),
        )

        def make(bench: "Bench") -> frozenset[bytes]:
            asked = command
            if script:
                path = f"{bench.path}/script"
                with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
                os.chmod(path, _SCRIPT)
                asked = replace(command, script=path)
            try:
                return self._kitchen.run(step, asked, self._draft, bench)
            except StartError as error:
                raise failed_to_start(step, error) from None

        flags = json.dumps([step.all_of("mount"), command.network])
        self._layered(created_by, _key(self._draft.id, created_by, flags), make)

    def _environment(self) -> list[tuple[str, str]]:
        """Arguments as a command sees them; the image's own variables win."""
        own = self._draft.environment
        given = {name: value for name, value in self._site.arguments.items() if name in PROXIES}
        found = {**given, **self._arguments}
        return sorted((name, value) for name, value in found.items() if name not in own)


def _script(step: Instruction) -> tuple[str, bool]:
    """The text of a command with here-documents, and whether it is a file with ``#!``."""
    if not step.heredocs or step.exec_form:
        return "", False
    first = step.heredocs[0]
    if len(step.heredocs) == 1 and step.words[0] == first.word:
        return first.text, first.text.startswith("#!")
    bodies = "".join(f"\n{one.text}{one.name}" for one in step.heredocs)
    return f"{step.words[0]}{bodies}", False


def _key(parent: str, *parts: str) -> str:
    text = "\0".join((parent, *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def timestamp(epoch: int | None) -> str:
    """Now, or ``SOURCE_DATE_EPOCH``, as images write it."""
    nanoseconds = time.time_ns() if epoch is None else epoch * 1_000_000_000
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") + "Z"
