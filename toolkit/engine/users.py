"""``--user`` and the image's accounts: names to numbers, and never to root by accident.

The texts of ``/etc/passwd`` and ``/etc/group`` belong to the image, so they are parsed as an
enemy's. A user of digits only is always that number, or refused when it does not fit: a line of
``/etc/passwd`` named ``2147483648`` must not lead to uid 0 (CVE-2024-40635). Group lists come
from the image's ``/etc/group`` alone (CVE-2022-36109).
"""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record

MAXIMUM_ID = 2**31 - 1  # what a signed 32-bit id_t holds; beyond it programs disagree


@record
class Account:
    """Whom a process runs as; ``groups`` are the supplementary ones without ``gid``."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@record
class _User:
    name: str
    uid: int
    gid: int
    home: str


def resolve_user(user: str, passwd: str, group: str) -> Account:
    """The account that ``user`` (``name|uid[:group|gid]``, empty for root) means in an image."""
    users = tuple(_users(passwd))
    groups = tuple(_groups(group))
    who, colon, asked = user.partition(":")
    number = _number(who or "0", f"user '{user}'")
    found = _find_user(users, who or "0", number)
    if number is None and found is None:
        raise InvalidInputError(
            f"user '{who}': the image's /etc/passwd has no such user",
            hint="give a number, or a user that the image knows",
        )
    uid = number if found is None else found.uid
    assert uid is not None
    home = found.home if found and found.home.startswith("/") else "/"
    if colon and asked:
        return Account(uid=uid, gid=_find_group(groups, asked, user), home=home)
    gid = found.gid if found else 0
    member = {gid_ for _, gid_, members in groups if found and found.name in members}
    return Account(uid=uid, gid=gid, groups=tuple(sorted(member - {gid})), home=home)


def add_groups(account: Account, asked: tuple[str, ...], group: str) -> Account:
    """The account with more groups, each a number or a name of the image's ``/etc/group``."""
    groups = tuple(_groups(group))
    more = {_find_group(groups, one, f"group-add {one}") for one in asked}
    return Account(
        uid=account.uid,
        gid=account.gid,
        groups=tuple(sorted({*account.groups, *more})),
        home=account.home,
    )


def _find_user(users: tuple[_User, ...], who: str, number: int | None) -> _User | None:
    for user in users:
        if (user.uid == number) if number is not None else (user.name == who):
            return user
    return None


def _find_group(groups: tuple[tuple[str, int, tuple[str, ...]], ...], asked: str, user: str) -> int:
    number = _number(asked, f"user '{user}': group '{asked}'")
    if number is not None:
        return number
    for name, gid, _ in groups:
        if name == asked:
            return gid
    raise InvalidInputError(
        f"user '{user}': the image's /etc/group has no group '{asked}'",
        hint="give a number, or a group that the image knows",
    )


def _number(text: str, what: str) -> int | None:
    """The id that a text of digits is; None for a name."""
    bare = text.removeprefix("-").removeprefix("+")
    if not (bare.isascii() and bare.isdigit()):
        return None
    if bare != text or len(bare) > 10 or int(bare) > MAXIMUM_ID:
        raise InvalidInputError(f"{what}: ids are 0 to {MAXIMUM_ID}")
    return int(bare)


def _users(passwd: str) -> "list[_User]":
    found = []
    for line in passwd.splitlines():
        parts = line.split(":")
        if len(parts) >= 6 and _is_id(parts[2]) and _is_id(parts[3]):
            found.append(_User(name=parts[0], uid=int(parts[2]), gid=int(parts[3]), home=parts[5]))
    return found


def _groups(group: str) -> list[tuple[str, int, tuple[str, ...]]]:
    found = []
    for line in group.splitlines():
        parts = line.split(":")
        if len(parts) >= 4 and _is_id(parts[2]):
            found.append((parts[0], int(parts[2]), tuple(filter(None, parts[3].split(",")))))
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAXIMUM_ID
