"""Faults of files that people write: each has a place, and all of them are told at once."""

from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Place:
    """A file, a line and a column, both counted from one."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Fault:
    """What is wrong, where, and what to do about it."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class PlaybookError(InvalidInputError):
    """A playbook that cannot be run as it is written; ``faults`` holds every reason, in order."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = [str(fault) for fault in faults]
        if len(lines) > 1:
            lines.append(f"{len(lines)} faults; nothing was touched")
        super().__init__("\n".join(lines))
        self.faults = faults


class Faults:
    """Collects faults, so that one run tells all of them."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """Remember one fault."""
        self._found.append(Fault(place=place, message=message, hint=hint))

    def check(self) -> None:
        """Raise ``PlaybookError`` with everything found so far, sorted by place."""
        if self._found:
            raise PlaybookError(tuple(sorted(set(self._found))))
