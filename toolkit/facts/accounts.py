"""Users and groups as the machine's own databases have them: passwd(5), shadow(5), group(5)."""

from toolkit.core.record import record
from toolkit.facts.machine import Machine, text


@record
class Group:
    """One line of ``/etc/group``; ``gid`` is ``-1`` where it is still to be chosen."""

    name: str
    gid: int = -1
    members: tuple[str, ...] = ()


@record
class User:
    """One line of ``/etc/passwd``; ``uid`` is ``-1`` where it is still to be chosen.

    ``group`` is the primary group, a name or a number; ``groups`` are the others, sorted.
    """

    name: str
    uid: int = -1
    group: str = ""
    comment: str = ""
    home: str = ""
    shell: str = ""
    groups: tuple[str, ...] = ()


@record
class Aging:
    """When a password must change and the account ends, in days; ``None`` means never.

    ``expires`` counts from 1970-01-01.
    """

    minimum: int | None = None
    maximum: int | None = None
    warning: int | None = None
    expires: int | None = None


def groups(machine: Machine) -> tuple[Group, ...]:
    """Every group of ``/etc/group``."""
    return tuple(
        Group(name=row[0], gid=int(row[2]), members=tuple(filter(None, row[3].split(","))))
        for row in _rows(machine, "group", 4)
    )


def group(machine: Machine, name: str) -> Group | None:
    """One group, by its name or its number."""
    wanted = int(name) if name.isdecimal() else None
    return next((each for each in groups(machine) if name == each.name or each.gid == wanted), None)


def users(machine: Machine) -> tuple[User, ...]:
    """Every user of ``/etc/passwd``."""
    known = groups(machine)
    names = {each.gid: each.name for each in reversed(known)}
    return tuple(
        User(
            name=row[0],
            uid=int(row[2]),
            group=names.get(int(row[3]), row[3]),
            comment=row[4],
            home=row[5],
            shell=row[6],
            groups=tuple(sorted(each.name for each in known if row[0] in each.members)),
        )
        for row in _rows(machine, "passwd", 7)
    )


def user(machine: Machine, name: str) -> User | None:
    """One user by name."""
    return next((each for each in users(machine) if each.name == name), None)


def password(machine: Machine, name: str) -> str:
    """The hash in ``/etc/shadow``, ``""`` where there is none."""
    return _shadow(machine, name)[1]


def aging(machine: Machine, name: str) -> Aging:
    """The days in ``/etc/shadow``."""
    row = _shadow(machine, name)
    numbers = [int(each) if each.lstrip("-").isdecimal() else None for each in row]
    return Aging(minimum=numbers[3], maximum=numbers[4], warning=numbers[5], expires=numbers[7])


def _shadow(machine: Machine, name: str) -> list[str]:
    rows = (line.split(":") for line in text(machine, "/etc/shadow").splitlines())
    found = next((row for row in rows if row[0] == name), [name])
    return [*found, *[""] * (9 - len(found))]


def _rows(machine: Machine, database: str, fields: int) -> list[list[str]]:
    rows = (line.split(":") for line in text(machine, f"/etc/{database}").splitlines())
    return [row for row in rows if len(row) >= fields and row[2].isdecimal()]
