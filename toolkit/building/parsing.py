"""From lines to instructions and stages; what is wrong with one is said with its line.

Source: Docker's Dockerfile reference, the section of each instruction.
"""

import re

from toolkit.building.faults import Place
from toolkit.building.reading import Heredoc, Line, Source, nearest_instruction, read
from toolkit.building.words import WordError, exec_form, split_words, unquote
from toolkit.core.record import record, replace
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INSTRUCTIONS = (
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
_FLAGS = {
    "FROM": ("platform",),
    "ADD": ("chown", "chmod", "link", "checksum", "exclude"),
    "COPY": ("from", "chown", "chmod", "link", "exclude"),
    "RUN": ("mount", "network"),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
}
_MANY = ("mount", "exclude")
_BOOLEAN = ("link",)
_ELSEWHERE = {  # flags of Docker that are not built in, each with its reason
    "security": "a build runs nothing without confinement",
    "device": "a build has no devices of the host",
    "keep-git-dir": "git repositories are no source here",
    "parents": "copy the directory itself instead",
    "unpack": "a local tar archive is unpacked always, a fetched one never",
}
_STAGE = re.compile(r"[a-z][a-z0-9._-]*")


@record
class Instruction:
    """One instruction.

    ``words`` are its arguments, in shell form one text; ``pairs`` are those of ENV, LABEL and ARG,
    where None is a name without a value. ``exec_form`` tells the JSON form.
    """

    name: str
    place: Place
    text: str
    flags: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str | None], ...] = ()
    exec_form: bool = False
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str:
        """The value of a flag; empty where it is not given."""
        return next((value for key, value in self.flags if key == name), "")

    def all_of(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may be repeated."""
        return tuple(value for key, value in self.flags if key == name)


@record
class Stage:
    """From one FROM to the next: ``base`` as written, ``name`` in lower case or empty."""

    index: int
    name: str
    base: str
    platform: str
    origin: Instruction
    steps: tuple[Instruction, ...]


@record
class Dockerfile:
    """A whole file; ``arguments`` are the ARGs before the first FROM."""

    file: str
    escape: str
    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]


def parse(text: str, *, file: str = "Dockerfile") -> Dockerfile:
    """The stages of a Dockerfile; ``InvalidInputError`` names file, line and what was meant."""
    source = read(text, file=file)
    instructions = [parse_line(line, source) for line in source.lines]
    arguments: list[Instruction] = []
    stages: list[Stage] = []
    for one in instructions:
        if one.name == "FROM":
            stages.append(_stage(one, stages))
        elif stages:
            last = stages.pop()
            stages.append(_with_step(last, one))
        elif one.name == "ARG":
            arguments.append(one)
        else:
            raise one.place.fault(
                f"{one.name} stands before the first FROM", hint="only ARG may stand there"
            )
    if not stages:
        raise instructions[-1].place.fault("the file has no FROM", hint="as in 'FROM scratch'")
    return Dockerfile(
        file=file, escape=source.escape, arguments=tuple(arguments), stages=tuple(stages)
    )


def parse_line(line: Line, source: Source) -> Instruction:
    """One line as an instruction."""
    place = Place(file=source.file, line=line.number)
    word, _, rest = line.text.replace("\t", " ", 1).partition(" ")
    name = word.upper()
    if name not in INSTRUCTIONS:
        raise place.fault(
            f"'{word}' is no instruction", hint=nearest_instruction(word, INSTRUCTIONS)
        )
    try:
        flags, rest = _flags(name, rest.strip(), source.escape)
        made = Instruction(
            name=name, place=place, text=line.text, flags=flags, heredocs=line.heredocs
        )
        return _READERS[name](made, rest, source)
    except WordError as error:
        raise place.fault(f"{name}: {error}") from None


def _flags(name: str, text: str, escape: str) -> "tuple[tuple[tuple[str, str], ...], str]":
    """The flags at the beginning, and what follows them."""
    found: list[tuple[str, str]] = []
    while text.startswith("--"):
        word = split_words(text, escape)[0]
        text = text[len(word) :].lstrip()
        if word == "--":
            break
        key, equals, value = word[2:].partition("=")
        _check_flag(name, word, found)
        found.append((key, unquote(value, escape) if equals else "true"))
    return tuple(found), text


def _check_flag(name: str, word: str, found: "list[tuple[str, str]]") -> None:
    key, equals, _ = word[2:].partition("=")
    known = _FLAGS.get(name, ())
    if key in _ELSEWHERE and key not in known:
        raise WordError(f"--{key} is not supported: {_ELSEWHERE[key]}")
    if key not in known:
        near = did_you_mean(key, known)
        raise WordError(f"--{key} is no flag of it{': ' + near if near else ''}")
    if not equals and key not in _BOOLEAN:
        raise WordError(f"--{key} needs a value, as in --{key}=VALUE")
    if key not in _MANY and any(key == other for other, _ in found):
        raise WordError(f"--{key} is given twice")


def _changed(made: Instruction, **values: object) -> Instruction:
    return replace(made, **values)


def _command(made: Instruction, rest: str, _source: Source) -> Instruction:
    """RUN, CMD and ENTRYPOINT: JSON or one text for the shell."""
    words = exec_form(rest)
    if words is not None:
        if not words and made.name == "RUN":
            raise WordError("the list is empty")
        return _changed(made, words=words, exec_form=True)
    if not rest and made.name == "RUN":
        raise WordError("a command is expected")
    return _changed(made, words=(rest,) if rest else ())


def _files(made: Instruction, rest: str, source: Source) -> Instruction:
    """ADD and COPY: sources, then one destination."""
    words = exec_form(rest)
    words = tuple(split_words(rest, source.escape)) if words is None else words
    if len(words) < 2:
        raise WordError("at least one source and a destination are expected")
    if made.flag("from") and made.heredocs:
        raise WordError("a here-document is no part of another stage")
    return _changed(made, words=words, exec_form=rest.startswith("["))


def _pairs(made: Instruction, rest: str, source: Source) -> Instruction:
    """ENV and LABEL: ``name=value …``, or the old ``name the whole rest``."""
    words = split_words(rest, source.escape)
    if not words:
        raise WordError("a name and a value are expected, as in NAME=VALUE")
    if "=" not in words[0]:
        if len(words) == 1:
            raise WordError(f"'{words[0]}' has no value")
        name = words[0]
        return _changed(made, pairs=((name, rest[len(name) :].strip()),))
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise WordError(f"'{word}' is not NAME=VALUE; a value with blanks wants quotes")
        pairs.append((name, value))
    return _changed(made, pairs=tuple(pairs))


def _arguments(made: Instruction, rest: str, source: Source) -> Instruction:
    pairs: list[tuple[str, str | None]] = []
    for word in split_words(rest, source.escape):
        name, equals, value = word.partition("=")
        if not name:
            raise WordError(f"'{word}' has no name")
        pairs.append((unquote(name, source.escape), value if equals else None))
    if not pairs:
        raise WordError("a name is expected")
    return _changed(made, pairs=tuple(pairs))


def _one(made: Instruction, rest: str, _source: Source) -> Instruction:
    """USER, WORKDIR, STOPSIGNAL and MAINTAINER: one text."""
    if not rest:
        raise WordError("an argument is expected")
    if made.name == "STOPSIGNAL" and len(rest.split()) > 1:
        raise WordError("exactly one argument is expected")
    return _changed(made, words=(rest,))


def _several(made: Instruction, rest: str, source: Source) -> Instruction:
    """EXPOSE and VOLUME: words, VOLUME also as JSON."""
    words = exec_form(rest) if made.name == "VOLUME" else None
    found = tuple(split_words(rest, source.escape)) if words is None else words
    if not found or not all(found):
        raise WordError("at least one argument is expected, and none that is empty")
    return _changed(made, words=found, exec_form=words is not None)


def _shell(made: Instruction, rest: str, _source: Source) -> Instruction:
    words = exec_form(rest)
    if not words:
        raise WordError('a JSON list is expected, as in ["/bin/sh", "-c"]')
    return _changed(made, words=words, exec_form=True)


def _healthcheck(made: Instruction, rest: str, _source: Source) -> Instruction:
    kind, _, command = rest.partition(" ")
    if kind.upper() == "NONE" and not command.strip():
        if made.flags:
            raise WordError("NONE takes no flags")
        return _changed(made, words=("NONE",))
    if kind.upper() != "CMD" or not command.strip():
        raise WordError("CMD and a command are expected, or NONE")
    words = exec_form(command.strip())
    if words is not None:
        return _changed(made, words=("CMD", *words), exec_form=True)
    return _changed(made, words=("CMD-SHELL", command.strip()))


def _onbuild(made: Instruction, rest: str, source: Source) -> Instruction:
    """The trigger is read now, so that what is wrong with it is said now."""
    word = rest.split(None, 1)[0].upper() if rest else ""
    if not word:
        raise WordError("an instruction is expected")
    if word in ("ONBUILD", "FROM", "MAINTAINER"):
        raise WordError(f"{word} is no trigger")
    parse_line(Line(number=made.place.line, text=rest, heredocs=made.heredocs), source)
    bodies = "".join(f"\n{one.text}{one.name}" for one in made.heredocs)
    return _changed(made, words=(rest + bodies,), heredocs=())


def _from(made: Instruction, rest: str, source: Source) -> Instruction:
    words = split_words(rest, source.escape)
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise WordError("an image is expected, and perhaps AS and a name")
    if len(words) == 3 and not _STAGE.fullmatch(words[2].lower()):
        raise WordError(f"'{words[2]}' is no name of a stage: letters, digits, - _ and .")
    return _changed(made, words=tuple(words))


def _stage(made: Instruction, before: "list[Stage]") -> Stage:
    name = made.words[2].lower() if len(made.words) == 3 else ""
    if name and any(stage.name == name for stage in before):
        raise made.place.fault(f"there are two stages '{name}'")
    return Stage(
        index=len(before),
        name=name,
        base=made.words[0],
        platform=made.flag("platform"),
        origin=made,
        steps=(),
    )


def _with_step(stage: Stage, step: Instruction) -> Stage:
    return replace(stage, steps=(*stage.steps, step))


_READERS: "dict[str, Callable[[Instruction, str, Source], Instruction]]" = {
    "ADD": _files,
    "ARG": _arguments,
    "CMD": _command,
    "COPY": _files,
    "ENTRYPOINT": _command,
    "ENV": _pairs,
    "EXPOSE": _several,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _pairs,
    "MAINTAINER": _one,
    "ONBUILD": _onbuild,
    "RUN": _command,
    "SHELL": _shell,
    "STOPSIGNAL": _one,
    "USER": _one,
    "VOLUME": _several,
    "WORKDIR": _one,
}


def parse_trigger(text: str, *, file: str) -> Instruction:
    """A trigger that an image keeps (ONBUILD), as an instruction."""
    source = read(text, file=file)
    made = parse_line(source.lines[0], source)
    if len(source.lines) > 1:
        raise made.place.fault("a trigger holds more than one instruction")
    return made
