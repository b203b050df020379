"""COPY and ADD: where the files come from, who shall own them, and what they are by content."""

import hashlib
import os
import re

from toolkit.building.bases import find_image
from toolkit.building.context import NAME as CONTEXT
from toolkit.building.draft import joined
from toolkit.building.ignoring import Ignore
from toolkit.building.planning import expanded, stage_of
from toolkit.building.words import expand_text
from toolkit.building.workshop import root_of
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.engine.layers import read_file
from toolkit.engine.users import resolve_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from toolkit.building.draft import Draft
    from toolkit.building.parsing import Instruction
    from toolkit.building.site import Site
    from toolkit.building.workshop import Bench

_URL = re.compile(r"https?://", re.IGNORECASE)
_GIT = re.compile(r"(git@|ssh://|git://|https?://[^#?]+\.git(?:[#?]|$))", re.IGNORECASE)
_MODE = re.compile(r"0?[0-7]{1,4}")


@record
class Adding:
    """One COPY or ADD, its words known: ``shown`` is what the history tells, ``digest`` the key."""

    sources: "tuple[dict[str, Any], ...]"
    destination: str
    shown: str
    digest: str
    owner: tuple[int, int] | None
    mode: int | None
    exclude: tuple[tuple[bool, str], ...]

    def asked(self, root: "dict[str, Any]", *, unpack: bool) -> "dict[str, Any]":
        """What the process that copies is asked."""
        return {
            "kind": "copy",
            "root": root,
            "sources": self.sources,
            "destination": self.destination,
            "owner": self.owner,
            "mode": self.mode,
            "exclude": self.exclude,
            "unpack": unpack,
        }


class Reader:
    """Works out what a COPY or ADD of one stage means."""

    def __init__(self, site: "Site", stage: int, escape: str) -> None:
        self._site = site
        self._stage = stage
        self._escape = escape

    def read(
        self, step: "Instruction", draft: "Draft", bench: "Bench", variables: "Mapping[str, str]"
    ) -> Adding:
        """The sources by content; what is fetched or written for it lies in the bench."""
        words = [expanded(word, variables, step, self._escape) for word in step.words]
        if step.exec_form:
            words = list(step.words)
        *sources, destination = words
        exclude = Ignore.parse("\n".join(step.all_of("exclude")), file=str(step.place))
        found: list[dict[str, Any]] = []
        digests: list[str] = []
        kinds: list[str] = []
        for kind, digest, source in self._sources(
            step, sources, (draft, bench, variables), exclude
        ):
            found.append(source)
            digests.append(digest)
            kinds.append(kind)
        several = sum(len(source["paths"]) for source in found) > 1
        if several and not destination.endswith("/"):
            raise step.place.fault(
                f"{step.name}: several sources go to '{destination}', which does not end in '/'",
                hint="a destination of several sources is a directory",
            )
        digest = digests[0] if len(digests) == 1 else _joined(digests)
        kind = kinds[0] if len(kinds) == 1 else "multi"
        flags = "".join(
            f"--{key}={step.flag(key)} " for key in ("chown", "chmod") if step.flag(key)
        )
        return Adding(
            sources=tuple(found),
            destination=_destination(draft.workdir, destination),
            shown=f"{step.name} {flags}{kind}:{digest} in {destination} ",
            digest=digest,
            owner=self._owner(step, draft, variables),
            mode=_mode(step, expanded(step.flag("chmod"), variables, step, self._escape)),
            exclude=tuple(exclude.rules()),
        )

    def _sources(
        self,
        step: "Instruction",
        words: list[str],
        known: "tuple[Draft, Bench, Mapping[str, str]]",
        exclude: Ignore,
    ) -> "list[tuple[str, str, dict[str, Any]]]":
        """Kind, digest and source; files of the context are one source together."""
        draft, bench, variables = known
        if step.flag("from"):
            return [self._from(step, words, bench)]
        found = []
        local = []
        bodies = {one.word: one for one in step.heredocs}
        for word, written in zip(words, step.words, strict=False):
            if written in bodies:
                one = bodies[written]
                text = expand_text(one.text, variables, self._escape) if one.expands else one.text
                found.append(_written(bench, one.name, text.encode("utf-8", "surrogateescape")))
            elif _GIT.match(word):
                raise UnsupportedError(
                    f"{step.place}: git repositories are no source here", hint="clone it first"
                )
            elif step.name == "ADD" and _URL.match(word):
                found.append(self._fetched(step, word, bench, variables))
            else:
                local.append(word)
        if local:
            if step.flag("checksum"):
                raise step.place.fault("--checksum is for a URL", hint="remove it")
            try:
                digest, kind = self._site.context.digest(local, exclude)
            except InvalidInputError as error:
                text = f"{step.place}: {step.name}: {error.message}"
                raise InvalidInputError(text, hint=error.hint) from None
            found.append((kind, digest, self._site.context.source(local)))
        del draft
        return found

    def _from(
        self, step: "Instruction", words: list[str], bench: "Bench"
    ) -> "tuple[str, str, dict[str, Any]]":
        name = step.flag("from")
        index = stage_of(name, self._site.plan.names, self._stage)
        if index is None:
            other, where = find_image(self._site, name, step.place), f"image '{name}'"
        else:
            other, where = self._site.draft(index), f"stage '{name}'"
        lowers = other.lowers
        stage = root_of(bench, lowers, "from")
        source = {"stage": stage, "name": where, "ignore": [], "paths": words}
        return "multi" if len(words) > 1 else "file", _joined([other.id, *words]), source

    def _fetched(
        self, step: "Instruction", url: str, bench: "Bench", variables: "Mapping[str, str]"
    ) -> "tuple[str, str, dict[str, Any]]":
        from toolkit.building.fetching import fetch  # noqa: PLC0415 - few builds fetch

        folder = _folder(bench)
        wanted = expanded(step.flag("checksum"), variables, step, self._escape)
        name, digest = fetch(url, folder, checksum=wanted, place=step.place)
        source = {"path": folder, "name": url, "ignore": [], "paths": [name]}
        return "file", digest, {**source, "fetched": True}

    def _owner(
        self, step: "Instruction", draft: "Draft", variables: "Mapping[str, str]"
    ) -> tuple[int, int] | None:
        text = expanded(step.flag("chown"), variables, step, self._escape)
        if not text:
            return None if step.flag("from") else (0, 0)
        try:
            return owner_of(text, draft.lowers)
        except InvalidInputError as error:
            raise step.place.fault(f"--chown: {error.message}", hint=error.hint) from None


def owner_of(text: str, lowers: tuple[str, ...]) -> tuple[int, int]:
    """``user[:group]`` by the image's accounts; a lone number is the group's, too."""
    if text.isdigit():
        text = f"{text}:{text}"
    passwd, group = (
        read_file(lowers, f"etc/{name}").decode(errors="replace") for name in ("passwd", "group")
    )
    found = resolve_user(text, passwd, group)
    return found.uid, found.gid


def _mode(step: "Instruction", text: str) -> int | None:
    if not text:
        return None
    if not _MODE.fullmatch(text):
        raise step.place.fault(f"--chmod is an octal mode as in 755, not '{text}'")
    return int(text, 8)


def _destination(workdir: str, path: str) -> str:
    """Absolute, and with a ``/`` at the end where it must be a directory."""
    is_directory = path.endswith(("/", "/.")) or path in (".", "..")
    whole = joined(workdir, path)
    return f"{whole.rstrip('/')}/" if is_directory else whole


def _written(bench: "Bench", name: str, data: bytes) -> "tuple[str, str, dict[str, Any]]":
    """A here-document as a file of its name."""
    folder = _folder(bench)
    path = os.path.join(folder, os.path.basename(name))
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o644)
    source = {"path": folder, "name": CONTEXT, "ignore": [], "paths": [os.path.basename(name)]}
    return "file", hashlib.sha256(name.encode() + b"\0" + data).hexdigest(), source


def _folder(bench: "Bench") -> str:
    path = f"{bench.path}/files{len(os.listdir(bench.path))}"
    os.mkdir(path, 0o700)
    return path


def _joined(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()
