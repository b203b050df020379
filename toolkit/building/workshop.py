"""The builder's side of the process that touches files: starts it, asks it, hears its answer."""

import os
from _thread import allocate_lock

from toolkit.core.errors import ToolkitError
from toolkit.core.record import record
from toolkit.images.helper import Helper, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self


@record
class Bench:
    """Directories of one step: ``upper`` gets its changes, ``at`` is where a root is mounted."""

    path: str

    @property
    def upper(self) -> str:
        """What the step writes."""
        return f"{self.path}/upper"

    @property
    def work(self) -> str:
        """What overlayfs needs beside it."""
        return f"{self.path}/work"


def root_of(bench: Bench, lowers: tuple[str, ...], name: str = "root") -> "dict[str, Any]":
    """A stage's root, as the process is told of it; ``lowers`` may be empty."""
    made = {key: f"{bench.path}/{key}" for key in ("upper", "work")}
    if name != "root":
        made = {key: f"{bench.path}/{name}.{key}" for key in ("upper", "work")}
    at = f"{bench.path}/{name}"
    for path in (*made.values(), at):
        os.makedirs(path, mode=0o755, exist_ok=True)
    return {"lower": lowers, "at": at, **made}


class Workshop:
    """The process, started when it is first needed; a context manager ends it."""

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._lock = allocate_lock()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def start(self) -> Helper:
        """Start the process now, so that it imports meanwhile."""
        with self._lock:
            if self._helper is None:
                self._helper = Helper("toolkit.building.worker")
            return self._helper

    def ask(self, asked: "dict[str, Any]") -> "dict[str, Any]":
        """Have something done; ``InvalidInputError`` or ``ToolkitError`` say what failed."""
        helper = self.start()
        out, report = os.pipe()
        with open(out, "rb") as answers:
            try:
                helper.send(asked, (report,))
            finally:
                os.close(report)
            said = answers.read()
        try:
            return judge(said, "copies files")
        except OSError as error:
            where = f": '{error.filename}'" if error.filename else ""
            raise ToolkitError(f"{error.strerror}{where}") from None
