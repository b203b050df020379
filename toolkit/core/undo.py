"""What has to be undone, noted the moment it is done: parts of ``contextlib`` on a budget.

The module itself imports ``functools`` and ``collections``, 3 ms that every container would pay.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, Self

    class Closing(Protocol):
        """What is closed in the end."""

        def close(self) -> object:
            """Let go."""


class Undo:
    """A context manager that calls what was noted, the last first, however the block ends.

    One that raises does not keep the others from being called; the last one's error is raised.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]] = []

    def callback(self, call: "Callable[..., object]", *args: "Any", **named: "Any") -> None:
        """Note one call."""
        self._calls.append((call, args, named))

    def closing(self, thing: "Closing") -> None:
        """Note that ``thing`` is to be closed."""
        self.callback(thing.close)

    def pop_all(self) -> "Self":
        """Hand over all that was noted: it is the new object's to call, or nobody's."""
        other = type(self)()
        self._calls, other._calls = other._calls, self._calls
        return other

    def close(self) -> None:
        """Call it all now."""
        failure: BaseException | None = None
        while self._calls:
            call, args, named = self._calls.pop()
            try:
                call(*args, **named)
            except BaseException as error:  # noqa: BLE001 - the others must be called, then it is raised
                error.__context__ = error.__context__ or failure
                failure = error
        if failure is not None:
            raise failure

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Forgiven:
    """A context manager that these errors end without a trace."""

    def __init__(self, *errors: "type[BaseException]") -> None:
        self._errors = errors

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)
