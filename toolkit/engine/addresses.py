"""Which addresses of a network are free: spans in ``state.db``, so that none is looked for.

A pool is the list of its free spans. Taking an address cuts one, giving it back joins its
neighbours: a few steps through an index, however many addresses are taken. The next address is
the free one after the last that was taken, so that an old one rests before it is used again.
Every function is called inside a transaction of its caller.
"""

from toolkit.core.errors import ConflictError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.database import Database

_LAST = (1 << 63) - 1  # what SQLite counts to


class Pool:
    """The addresses of one network, as numbers."""

    def __init__(self, database: "Database", network: str) -> None:
        self._db = database
        self._network = network

    def fill(self, first: int, last: int) -> None:
        """Make everything from ``first`` to ``last`` free, whatever was."""
        self.drop()
        self._put(first, last)

    def drop(self) -> None:
        """Forget the pool."""
        self._db.query("DELETE FROM spans WHERE network=?", self._network)

    def take(self, after: int, first: int = 0, last: int = _LAST) -> int | None:
        """Take the first free address from ``after`` on, or the first of all; None: all taken.

        Only one from ``first`` to ``last``.
        """
        for start in (max(after, first), first):
            span = self._span(start)
            if span and max(span[0], start) <= last:
                taken = max(span[0], start)
                self._cut(span, taken)
                return taken
        return None

    def claim(self, address: int) -> bool:
        """Take this very address; whether it was free."""
        span = self._span(address)
        if span is None or span[0] > address:
            return False
        self._cut(span, address)
        return True

    def give(self, address: int) -> None:
        """Make an address free again; ``ConflictError`` if it is free already."""
        above = self._span(address)
        if above and above[0] <= address:
            raise ConflictError(f"address {address} of network '{self._network}' is free already")
        last = address
        if above and above[0] == address + 1:
            last = above[1]
            self._remove(last)
        below = self._db.query(
            "SELECT first FROM spans WHERE network=? AND last=?", self._network, address - 1
        )
        if below:
            self._remove(address - 1)
        self._put(below[0][0] if below else address, last)

    def _span(self, address: int) -> tuple[int, int] | None:
        """The free span that holds an address, else the next one."""
        found = self._db.query(
            "SELECT first, last FROM spans WHERE network=? AND last>=? ORDER BY last LIMIT 1",
            self._network,
            address,
        )
        return (found[0][0], found[0][1]) if found else None

    def _cut(self, span: tuple[int, int], address: int) -> None:
        first, last = span
        self._remove(last)
        if first < address:
            self._put(first, address - 1)
        if address < last:
            self._put(address + 1, last)

    def _put(self, first: int, last: int) -> None:
        self._db.query(
            "INSERT INTO spans (network, first, last) VALUES (?, ?, ?)", self._network, first, last
        )

    def _remove(self, last: int) -> None:
        self._db.query("DELETE FROM spans WHERE network=? AND last=?", self._network, last)
