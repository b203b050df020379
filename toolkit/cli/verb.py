"""A container command: its flags as a table, and Docker's way to write them.

click costs 30 ms, half of what a whole ``dockyard run`` may take, so these commands are read by
this small parser, which the tests hold to Docker's rules: ``-it`` is two flags, ``-eK=V`` and
``--rm=false`` work, and for ``run``, ``create`` and ``exec`` all after the first argument
belongs to the container. click still shows their help (``clicked``) from the same table.
"""

import os
import sys

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Values = dict[str, "bool | str | list[str]"]

FAULT = 125
"""Docker's status for a failure of the engine, not of what runs in the container."""


@record
class Flag:
    """``names`` as typed, the long one last; without a ``metavar`` it is true or false."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    many: bool = False

    @property
    def key(self) -> str:
        """The long name without its dashes: what an action asks for."""
        return self.names[-1].removeprefix("--")


@record
class Call:
    """One command line, read: the flags given, and what followed them."""

    values: "Values"
    args: tuple[str, ...]

    def flag(self, key: str) -> bool:
        """Whether a flag without a value was given."""
        return self.values.get(key, False) is True

    def text(self, key: str, default: str = "") -> str:
        """The last value of a flag."""
        value = self.values.get(key, default)
        assert isinstance(value, str)
        return value

    def many(self, key: str) -> "list[str]":
        """All values of a flag that may be repeated."""
        value = self.values.get(key, [])
        assert isinstance(value, list)
        return value


@record
class Verb:
    """One command. ``usage`` is what follows its name; ``least`` and ``most`` count arguments.

    ``greedy``: the first argument ends the flags, because what follows is another command line.
    ``fault`` is the exit status of a failure that is not the container's; 0 is the error's own.
    """

    name: str
    usage: str
    summary: str
    flags: tuple[Flag, ...]
    act: "Callable[[Call], int]"
    greedy: bool = False
    fault: int = 0
    least: int = 1
    most: int | None = None


ROOTS = (
    Flag(names=("--data-root",), metavar="DIR", help="Where containers and images are kept"),
    Flag(names=("--root",), metavar="DIR", help="Where the state of running containers is kept"),
)
"""Every container command takes these."""


def read(verb: Verb, argv: "Sequence[str]", *, common: tuple[Flag, ...] = ROOTS) -> Call:
    """The command line as a ``Call``; ``InvalidInputError`` says what is wrong with it."""
    known = {name: flag for flag in (*verb.flags, *common) for name in flag.names}
    values: Values = {}
    args: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            args += rest
            break
        if word.startswith("--"):
            _long(word, rest, known, values)
        elif word.startswith("-") and word != "-":
            _short(word, rest, known, values)
        else:
            args.append(word)
            if verb.greedy:
                args += rest
                break
    return _counted(verb, Call(values=values, args=tuple(args)))


def _counted(verb: Verb, call: Call) -> Call:
    least = 0 if "rootfs" in call.values else verb.least
    if len(call.args) < least:
        raise InvalidInputError(
            f"'{verb.name}' needs {'an argument' if least == 1 else f'{least} arguments'}",
            hint=f"dockyard {verb.name} {verb.usage}",
        )
    if verb.most is not None and len(call.args) > verb.most:
        raise InvalidInputError(
            f"'{verb.name}' does not take '{call.args[verb.most]}'",
            hint=f"dockyard {verb.name} {verb.usage}",
        )
    return call


def _long(word: str, rest: list[str], known: "dict[str, Flag]", values: "Values") -> None:
    name, equals, value = word.partition("=")
    flag = known.get(name)
    if flag is None:
        raise InvalidInputError(f"unknown flag: {name}", hint=did_you_mean(name, known))
    _keep(flag, value if equals else _default(flag, name, rest), name, values)


def _short(word: str, rest: list[str], known: "dict[str, Flag]", values: "Values") -> None:
    letters = word[1:]
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        flag = known.get(name)
        if flag is None:
            raise InvalidInputError(f"unknown shorthand flag: '{name[1]}' in {word}")
        if letters.startswith("="):
            value, letters = letters[1:], ""
        elif flag.metavar and letters:
            value, letters = letters, ""
        else:
            value = _default(flag, name, rest)
        _keep(flag, value, name, values)


def _default(flag: Flag, name: str, rest: list[str]) -> str:
    """The value of a flag that has none attached: the next word, or true."""
    if not flag.metavar:
        return "true"
    if not rest:
        raise InvalidInputError(f"flag needs a value: {name} {flag.metavar}")
    return rest.pop(0)


_TRUTH = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def _keep(flag: Flag, value: str, name: str, values: "Values") -> None:
    if flag.many:
        held = values.setdefault(flag.key, [])
        assert isinstance(held, list)
        held.append(value)
    elif flag.metavar:
        values[flag.key] = value
    elif value.lower() in _TRUTH:
        values[flag.key] = _TRUTH[value.lower()]
    else:
        raise InvalidInputError(f"{name} is true or false, not '{value}'")


def perform(verb: Verb, argv: "Sequence[str]") -> int:
    """Read the command line and act; a failure is a line, a hint and Docker's exit status."""
    try:
        call = read(verb, argv)
    except ToolkitError as error:
        return complain(error, status=FAULT, hint=f"see 'dockyard {verb.name} --help'")
    try:
        return verb.act(call)
    except ToolkitError as error:
        return complain(error, status=_status(verb, error))
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        return complain(from_system(error), status=verb.fault or 1)
    except KeyboardInterrupt as error:
        return 128 + getattr(error, "number", 2)


def _status(verb: Verb, error: ToolkitError) -> int:
    """A start that failed knows its status (125 to 127); all else is the command's fault."""
    return error.exit_status if error.exit_status >= FAULT else verb.fault or error.exit_status


def _reader_gone() -> int:
    """Whoever read the output is gone; what is buffered must not be tried again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 128 + 13


def from_system(error: OSError) -> ToolkitError:
    """A failure of the kernel as one line that names the file."""
    where = f"'{error.filename}': " if error.filename else ""
    hint = "run it as root" if isinstance(error, PermissionError) and os.geteuid() else ""
    return ToolkitError(f"{where}{error.strerror or error}", hint=hint)


def each(names: "Sequence[str]", act: "Callable[[str], object]") -> int:
    """Act on each name and print it; failures are told and do not stop the rest."""
    failed = 0
    for name in names:
        try:
            act(name)
        except ToolkitError as error:
            failed = complain(error, status=1)
        else:
            print(name)
    return failed


def complain(error: ToolkitError, *, status: int, hint: str = "") -> int:
    """Print one line and its hint on stderr; hands back ``status``."""
    sys.stdout.flush()
    print(f"dockyard: {error.message}", file=sys.stderr)
    if error.hint or hint:
        print(f"hint: {error.hint or hint}", file=sys.stderr)
    return status
