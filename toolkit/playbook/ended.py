"""How one execution of a task ended, and what steers a run from inside."""

from dataclasses import dataclass, replace
from typing import Any

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.playbook.results import Status, reason
from toolkit.tasks.changes import Change


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """One execution of a task: its status and what a register would keep."""

    status: Status
    registered: dict[str, Any]
    changes: tuple[Change, ...] = ()
    message: str = ""
    hint: str = ""
    told: tuple[str, ...] = ()
    """Changes as another host described them, for a task that was delegated."""
    differences: tuple[str, ...] = ()

    def with_status(self) -> "Ended":
        """The same, with the status that its registered values tell."""
        status = Status.CHANGED if self.registered.get("changed") else Status.OK
        if self.registered.get("skipped") and not self.registered.get("failed"):
            status = Status.SKIPPED
        if self.registered.get("failed"):
            status = Status.FAILED
        good = status is not Status.FAILED
        message = self.message if not good or self.status is not Status.FAILED else ""
        return replace(self, status=status, message=message, hint=self.hint if message else "")


def failed(error: ToolkitError | OSError, changes: tuple[Change, ...] = ()) -> Ended:
    """A task that an error ended, with the changes that came before it."""
    message = reason(error)
    registered = {"changed": bool(changes), "failed": True, "msg": message}
    registered.update(getattr(error, "registered", {}))
    return Ended(
        status=Status.FAILED,
        registered=registered,
        changes=changes,
        message=message,
        hint=getattr(error, "hint", ""),
    )


def skipped(why: str, *, key: str = "skip_reason", **more: Any) -> Ended:
    """A task that did not run; Ansible's words and keys, since playbooks read them."""
    registered = {"changed": False, "skipped": True, key: why, **more}
    return Ended(status=Status.SKIPPED, registered=registered)


class FailedError(ToolkitError):
    """A task that failed with values to register."""

    def __init__(self, message: str, registered: dict[str, Any]) -> None:
        super().__init__(message)
        self.registered = registered


class UnforeseenError(InvalidInputError):
    """Check mode cannot tell: a value would come from something that did not run."""


class Unforeseen:
    """A value that only a real run would give; to use it in any way is ``UnforeseenError``."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def _refuse(self, *_: object) -> Any:
        raise UnforeseenError(f"check mode cannot foresee '{self._what}': it did not run")

    __bool__ = __contains__ = __eq__ = __ne__ = __ge__ = __getitem__ = __gt__ = _refuse
    __add__ = __float__ = __int__ = __iter__ = __le__ = __len__ = __lt__ = __str__ = _refuse

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"(unforeseen: {self._what})"


class EndPlay(Exception):  # noqa: N818 - no error: a play asked for its own end
    """``meta: end_play`` and its kin; ``everywhere`` for all hosts of the play."""

    def __init__(self, *, everywhere: bool = False) -> None:
        super().__init__()
        self.everywhere = everywhere


class EndRole(Exception):  # noqa: N818 - no error: a role asked for its own end
    """``meta: end_role``."""
