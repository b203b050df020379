"""Permission bits as people write them: ``"0644"``, ``"u=rw,g+r,o-rwx"``."""

import re

from toolkit.core.errors import InvalidInputError

UMASK = 0o022
NEW_FILE = 0o666 & ~UMASK
NEW_DIRECTORY = 0o777 & ~UMASK

_CLAUSE = re.compile(r"[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+")
_STEP = re.compile(r"([-+=])([rwxXstugo]*)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": ("s", 0o4000), "g": ("s", 0o2000), "o": ("t", 0o1000)}
_BITS = {"r": 4, "w": 2, "x": 1}


def parse(text: str, *, now: int, directory: bool = False) -> int:
    """The permission bits that ``text`` asks for, given those that are there ``now``.

    Octal digits stand for themselves; symbolic clauses work as in chmod(1), ``X`` included.
    """
    if text and set(text) <= set("01234567") and int(text, 8) <= 0o7777:
        return int(text, 8)
    for clause in text.split(","):
        if not _CLAUSE.fullmatch(clause):
            raise InvalidInputError(
                f"'{text}' is no mode", hint='write it as "0644" or as u=rw,g=r,o=r'
            )
        who = clause[: len(clause) - len(clause.lstrip("ugoa"))]
        executable = directory or bool(now & 0o111)
        for how, what in _STEP.findall(clause[len(who) :]):
            now = _step(now, who, how, _letters(what, now, executable=executable))
    return now


def _letters(what: str, now: int, *, executable: bool) -> tuple[int, str]:
    """The bits of one class, and the letters that do not stand for such bits."""
    bits = 0
    for letter in what:
        if letter in _SHIFT:
            bits |= now >> _SHIFT[letter] & 7
        elif letter == "X":
            bits |= int(executable)
        else:
            bits |= _BITS.get(letter, 0)
    return bits, "".join(letter for letter in what if letter in "st")


def _step(now: int, who: str, how: str, wanted: tuple[int, str]) -> int:
    bits, special = wanted
    mask = all_of = 0
    for name in "ugo" if not who or "a" in who else who:
        letter, bit = _SPECIAL[name]
        mask |= bits << _SHIFT[name] | (bit if letter in special else 0)
        all_of |= 7 << _SHIFT[name] | bit
    if not who:
        mask &= ~UMASK  # without a class the umask holds, as chmod(1) says
    if how == "-":
        return now & ~mask
    return mask | (now & ~all_of if how == "=" else now)
