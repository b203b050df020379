"""The C half of ``sqlite3``: the module imports ``datetime`` for values that nobody keeps, 2 ms."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
else:
    import _sqlite3 as sqlite3

__all__ = ["sqlite3"]
