"""Errors that name the place in a Dockerfile."""

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.record import record


@record
class Place:
    """A line of a file; ``file`` is its name as people know it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def fault(self, message: str, *, hint: str = "") -> InvalidInputError:
        """The error of what stands here."""
        return InvalidInputError(f"{self}: {message}", hint=hint)


class StepFailedError(ToolkitError):
    """A command of a RUN ended with another status than 0, which becomes that of the build."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_status = status
