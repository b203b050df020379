"""Which tasks there are, and how a task's arguments become a task.

The file's name is the task's name, so there is no list to edit: ``toolkit/tasks/x.py`` holds the
class that ``@task("x")`` marks. Arguments come as people write them for Ansible: short names,
``yes`` for true, numbers for text, ``a,b`` for a list. Everything else is refused.
"""

import dataclasses
import functools
import importlib
import pkgutil
import types
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.fit import fit
from toolkit.core.suggest import did_you_mean
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host

T = TypeVar("T")
Plan = Generator[Change, Any, dict[str, Any]]
"""Yields changes, is sent what ``apply`` returned, returns the values to register."""

_COLLECTIONS = (
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.posix.",
    "community.general.",
)
_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "true", "1", "y", "t"), True),
    **dict.fromkeys(("no", "off", "false", "0", "n", "f"), False),
}
_OTHER_NAMES = {"systemd_service": "systemd"}
_EMPTY: Mapping[str, object] = {"aliases": {}, "proves": (), "acts": False, "reads": False}
_TASKS: dict[str, type[Any]] = {}


class Task(Protocol):
    """A frozen dataclass of arguments; ``aliases`` maps Ansible's other names to its fields.

    ``proves`` names the checks that hold where the task's state does.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    aliases: ClassVar[Mapping[str, str]]
    proves: ClassVar[tuple[str, ...]]
    acts: ClassVar[bool]
    """Does it do something each time, as a command does, rather than hold a state?"""
    reads: ClassVar[bool]
    """Does it only tell, and never change anything?"""

    def plan(self, host: Host) -> Plan:
        """Read the host and yield what has to change; never change anything."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with one argument; ``key`` is ``""`` where no single one is to blame."""

    key: str
    message: str
    hint: str = ""


def task(name: str) -> Callable[[type[T]], type[T]]:
    """Register the decorated dataclass as the task ``name``; it may leave out what is empty."""

    def register(cls: type[T]) -> type[T]:
        for attribute, empty in _EMPTY.items():
            if not hasattr(cls, attribute):
                setattr(cls, attribute, empty)
        _TASKS[name] = cls
        return cls

    return register


@functools.cache
def names() -> tuple[str, ...]:
    """Every task's name, sorted; found by its mark, without importing any."""
    return tuple(sorted(filter(_is_task, (found.name for found in _modules()))))


def _modules() -> Iterable[pkgutil.ModuleInfo]:
    from toolkit import tasks  # noqa: PLC0415 - the package is still being imported above

    return pkgutil.iter_modules(tasks.__path__)


def _is_task(module: str) -> bool:
    source = pkgutil.get_data("toolkit.tasks", f"{module}.py") or b""
    return f'\n@task("{module}")'.encode() in source


def canonical(name: str) -> str:
    """The name without its collection, in its usual spelling: ``ansible.builtin.copy`` is ``copy``.

    ``systemd_service`` is ``systemd``.
    """
    for collection in _COLLECTIONS:
        if name.startswith(collection):
            name = name.removeprefix(collection)
            break
    return _OTHER_NAMES.get(name, name)


def load(name: str) -> type[Task]:
    """The class of the task ``name``; ``NotFoundError`` with the nearest name if there is none."""
    short = canonical(name)
    if short not in _TASKS:
        if short not in names():
            raise NotFoundError(f"there is no task '{name}'", hint=did_you_mean(short, names()))
        importlib.import_module(f"toolkit.tasks.{short}")
    return _TASKS[short]


def build(name: str, arguments: Mapping[str, Any], *, at: str = "") -> Task:
    """The task ``name`` with ``arguments``; ``InvalidInputError`` names the first fault."""
    kind = load(name)
    found = faults(name, arguments, template=lambda _: False)
    if found:
        place = ": ".join(part for part in (at, canonical(name), found[0].key) if part)
        raise InvalidInputError(f"{place}: {found[0].message}", hint=found[0].hint)
    made: Task = _made(kind, arguments)
    return made


def faults(
    name: str, arguments: Mapping[str, Any], *, template: Callable[[object], bool]
) -> list[Fault]:
    """Everything wrong with ``arguments`` that can be told without a host.

    A value for which ``template`` is true is only known later, so it is taken as it is.
    """
    return faults_of(load(name), arguments, template=template)


def faults_of(
    kind: type[Any], arguments: Mapping[str, Any], *, template: Callable[[object], bool]
) -> list[Fault]:
    """``faults`` for a class that is no registered task; ``open_keys`` ones take any other key."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    strange = [key for key in arguments if kind.aliases.get(key, key) not in fields]
    found = [] if getattr(kind, "open_keys", False) else [_unknown(key, kind) for key in strange]
    given = {kind.aliases.get(key, key): key for key in arguments}
    for field in fields.values():
        if field.name in given:
            value = arguments[given[field.name]]
            found += [] if template(value) else _wrong(given[field.name], field.type, value)
        elif field.default is field.default_factory is dataclasses.MISSING:
            found.append(Fault(key=field.name, message="is missing"))
    if not found and not any(template(value) for value in arguments.values()):
        own = {key: value for key, value in arguments.items() if key not in strange}
        found = _together(kind, own)
    return found


def made_of(kind: type[T], arguments: Mapping[str, Any]) -> tuple[T, dict[str, Any]]:
    """A value of ``kind`` and the keys that it leaves open; ``InvalidInputError`` at a fault."""
    found = faults_of(kind, arguments, template=lambda _: False)
    if found:
        said = f"'{found[0].key}': {found[0].message}" if found[0].key else found[0].message
        raise InvalidInputError(said, hint=found[0].hint)
    aliases: Mapping[str, str] = getattr(kind, "aliases", {})
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type] # it is one
    own = {key: value for key, value in arguments.items() if aliases.get(key, key) in fields}
    rest = {key: value for key, value in arguments.items() if key not in own}
    return _made(kind, own), rest


def _unknown(key: str, kind: type[Any]) -> Fault:
    known = [*(field.name for field in dataclasses.fields(kind)), *kind.aliases]
    return Fault(key=key, message="unknown key", hint=did_you_mean(key, known))


def _wrong(key: str, kind: Any, value: object) -> list[Fault]:
    if key == "mode" and isinstance(value, int):
        return [Fault(key=key, message=f"expected text, not {value}", hint=_octal_hint(value))]
    try:
        fit(kind, coerce(kind, value))
    except TypeError as error:
        return [Fault(key=key, message=str(error))]
    return []


def _octal_hint(value: int) -> str:
    """``mode: 644`` and ``mode: 0644`` both reach us as a number: guess which was written."""
    digits = str(value)
    as_written = set(digits) <= set("01234567") and _usual(int(digits, 8))
    mode = digits if as_written else f"{value:o}"
    return f'YAML reads bare digits as another number; write mode: "{mode.zfill(4)}"'


def _usual(mode: int) -> bool:
    """Can the owner read, the group do no more than the owner, and others no more than it?"""
    owner, group, other = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    return bool(owner & 4) and group & ~owner == 0 and other & ~group == 0


def _together(kind: type[Any], arguments: Mapping[str, Any]) -> list[Fault]:
    """What the class itself refuses, such as two arguments that exclude each other."""
    try:
        _made(kind, arguments)
    except InvalidInputError as error:
        return [Fault(key="", message=error.message, hint=error.hint)]
    return []


def _made(kind: type[Any], arguments: Mapping[str, Any]) -> Any:
    """The value; every argument is known to be of its type."""
    types_of: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(kind)}
    renamed = {kind.aliases.get(key, key): value for key, value in arguments.items()}
    fields = {key: fit(types_of[key], coerce(types_of[key], each)) for key, each in renamed.items()}
    return kind(**fields)


def coerce(kind: Any, value: Any) -> Any:
    """``value`` in the type that Ansible would have made of it; unchanged where none fits."""
    options = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if type(value) in options:
        return value
    for option in options:
        if get_origin(option) is tuple:
            return _as_list(value, get_args(option)[0])
        if isinstance(option, type):
            fitted = _scalar(option, value)
            if fitted is not None:
                return fitted
    return value


def _as_list(value: Any, kind: Any) -> Any:
    """A list of ``kind``: ``a,b`` is one of two, and a number one of one."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    elif type(value) in (int, float):
        value = [value]
    return [coerce(kind, item) for item in value] if isinstance(value, list | tuple) else value


def _scalar(kind: type, value: Any) -> Any:
    """The value as a ``kind``, or ``None`` where Ansible would not convert it either."""
    if kind is bool and isinstance(value, str | int):
        return _BOOLEANS.get(str(value).lower())
    if kind is int and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if kind is str and type(value) in (int, float, bool):
        return str(value)
    if kind is float and isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return float(value)
    return None
