"""Users and groups: names to numbers and back, from the machine's own databases.

``/etc/passwd`` and ``/etc/group`` come first, so that a planned user counts; what only a
directory service knows is asked of ``getent``.
"""

from toolkit.core.errors import NotFoundError
from toolkit.facts.machine import Machine, text


def user_id(machine: Machine, name: str) -> int:
    """The number of a user; a number is taken as it is. ``NotFoundError`` if there is none."""
    return _number(machine, "passwd", name, "user")


def group_id(machine: Machine, name: str) -> int:
    """The number of a group; a number is taken as it is. ``NotFoundError`` if there is none."""
    return _number(machine, "group", name, "group")


def user_name(machine: Machine, number: int) -> str:
    """The name of a user, or the number itself where it has none."""
    return _name(machine, "passwd", number)


def group_name(machine: Machine, number: int) -> str:
    """The name of a group, or the number itself where it has none."""
    return _name(machine, "group", number)


def _number(machine: Machine, database: str, name: str, what: str) -> int:
    if name.isdecimal():
        return int(name)
    for row in _rows(machine, database):
        if row[0] == name:
            return int(row[2])
    row = _asked(machine, database, name)
    if not row:
        raise NotFoundError(f"there is no {what} '{name}' on this host")
    return int(row[2])


def _name(machine: Machine, database: str, number: int) -> str:
    for row in _rows(machine, database):
        if row[2] == str(number):
            return row[0]
    return str(number)


def _rows(machine: Machine, database: str) -> list[list[str]]:
    rows = (line.split(":") for line in text(machine, f"/etc/{database}").splitlines())
    return [row for row in rows if len(row) > 2 and row[2].isdecimal()]


def _asked(machine: Machine, database: str, name: str) -> list[str]:
    answer = machine.run(("getent", database, name))
    row = answer.stdout.strip().split(":")
    return row if answer.status == 0 and len(row) > 2 and row[2].isdecimal() else []


def home(machine: Machine, name: str) -> str:
    """The home directory of a user; ``NotFoundError`` if there is none."""
    rows = [row for row in _rows(machine, "passwd") if row[0] == name]
    row = rows[0] if rows else _asked(machine, "passwd", name)
    if len(row) < 6:
        raise NotFoundError(f"there is no user '{name}' on this host")
    return row[5] or "/"
