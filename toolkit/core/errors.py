"""Errors by what the caller can do about them, and the one table of exit and HTTP statuses.

::

    ToolkitError(message, *, hint="")    exit 1, HTTP 500
    ├ InvalidInputError                  exit 2, 400: nothing was touched
    │ └ MissingInputError                a file that the caller named does not exist
    ├ NotFoundError                      exit 1, 404
    ├ ConflictError                      exit 1, 409
    ├ UnsupportedError                   exit 2, 501
    ├ UnavailableError                   exit 4, 503: a retry may help
    └ CommandError(argv, status, stderr) exit 1, 500: the last lines of stderr are shown

A message says what, which and why: lower case, no full stop, names in quotes. A hint says
what to do. A kernel failure stays an ``OSError`` up to ``runtime``, which wraps it once.
"""


class ToolkitError(Exception):
    """Anything that dockyard refuses or fails at; shown as one line and a hint."""

    exit_status = 1
    http_status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class InvalidInputError(ToolkitError):
    """The request itself is wrong; nothing was touched."""

    exit_status = 2
    http_status = 400


class MissingInputError(InvalidInputError):
    """A file that the caller named does not exist; nothing was touched."""


class NotFoundError(ToolkitError):
    """The named thing does not exist."""

    http_status = 404


class ConflictError(ToolkitError):
    """The thing exists, in a state that does not allow the request."""

    http_status = 409


class UnsupportedError(ToolkitError):
    """This build, host or kernel does not offer what was asked for."""

    exit_status = 2
    http_status = 501


class UnavailableError(ToolkitError):
    """A host or service does not answer now; a retry may help."""

    exit_status = 4
    http_status = 503


class CommandError(ToolkitError):
    """A program ended with a status that its caller did not expect."""

    SHOWN_LINES = 10

    def __init__(self, argv: tuple[str, ...], status: int, stderr: str, *, hint: str = "") -> None:
        tail = "\n".join(stderr.strip().splitlines()[-self.SHOWN_LINES :])
        said = f": {tail}" if tail else ""
        super().__init__(f"'{' '.join(argv)}' ended with status {status}{said}", hint=hint)
        self.argv = argv
        self.status = status
        self.stderr = stderr

    def __reduce__(self) -> "tuple[type, tuple[object, ...], dict[str, str]]":
        # An exception is pickled by its one message, which is no argument of this class.
        return type(self), (self.argv, self.status, self.stderr), {"hint": self.hint}
