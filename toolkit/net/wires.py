"""The room's face to who runs containers: wires are laid, and taken up again.

Laying one has two halves, so that the slow parts run while something else does: ``begin`` asks for
the bridge and the rules, ``connect`` waits for both and leads the wire into the container.
"""

import _socket
import fcntl
import os

from toolkit.core.errors import ToolkitError
from toolkit.net import helper, nft, rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolkit.net.helper import Helper
    from toolkit.net.wiring import Bridge, Endpoint

INNER = "eth0"


class Wires:
    """All wires of one host. ``lock`` is a file; ``ruleset`` gives the text of all rules.

    Whoever writes all rules holds the lock alone, so that no container that is just joining is
    left out of them.
    """

    def __init__(self, lock: str, ruleset: "Callable[[], str]") -> None:
        self._lock = lock
        self._ruleset = ruleset
        self._helper: Helper | None = None
        self._leaving: list[nft.Transaction] = []

    def close(self) -> None:
        """Let the helper go, and wait for what is not yet done."""
        self._reap()
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def begin(self, bridge: "Bridge", endpoint: "Endpoint", skeleton: str) -> "Wire":
        """Ask for the bridge, and for the rules that let one container in."""
        self._help().ask("bridge", bridge.link, str(bridge.address), bridge.mtu)
        lock = _locked(self._lock, fcntl.LOCK_SH)
        try:
            joining = nft.Transaction(rules.joining(endpoint, skeleton))
        except BaseException:
            os.close(lock)
            raise
        return Wire(self, bridge, endpoint, joining=joining, lock=lock)

    def settle(self, wire: "Wire") -> None:
        """Wait until bridge and rules are there."""
        try:
            said = wire.joining.finish()
        finally:
            os.close(wire.lock)
        self._help().answer()
        if nft.is_missing(said):
            self.reload()
        elif said:
            raise nft.refusal(said)

    def lead(self, wire: "Wire", namespace: str) -> None:
        """Lead a wire into a network namespace."""
        bridge, endpoint = wire.bridge, wire.endpoint
        self._help().call(
            "connect",
            {
                "bridge": bridge.link,
                "link": endpoint.link,
                "mac": endpoint.mac,
                "address": endpoint.address,
                "prefix": bridge.address.prefix,
                "gateway": "" if bridge.internal else bridge.address.address,
                "mtu": bridge.mtu,
                "namespace": namespace,
                "name": INNER,
                "loopback": bool(endpoint.ports),
                "forward": not bridge.internal,
            },
        )

    def leave(self, endpoints: "Iterable[Endpoint]") -> None:
        """Forget containers: first their rules, then what is left of their wires."""
        gone = tuple(endpoints)
        self._reap()
        # What names a wire that is gone harms nobody, and nft takes 10 ms to close its socket after
        # it has done its work (the kernel waits until no packet can see the old rules). A port that
        # leads to an address must be gone before somebody else gets that.
        transaction = nft.Transaction("".join(rules.leaving(one) for one in gone))
        if any(one.ports for one in gone):
            said = transaction.finish()
            if said and not nft.is_missing(said):
                raise nft.refusal(said)
        else:
            self._leaving.append(transaction)
        there = present()
        for endpoint in gone:
            if endpoint.link in there:
                self._help().call("remove", endpoint.link)

    def reload(self) -> None:
        """Write all rules anew."""
        lock = _locked(self._lock, fcntl.LOCK_EX)
        try:
            nft.apply(self._ruleset())
        finally:
            os.close(lock)

    def remove_bridge(self, link: str) -> None:
        """Remove a bridge; nothing if it is gone."""
        self._help().call("remove", link)

    def link(self, namespaces: "tuple[str, str]", addresses: "tuple[str, str]") -> None:
        """Join two network namespaces by a wire of their own; empty addresses are chosen."""
        self._help().call("link", *namespaces, addresses)

    def make_bridge(self, bridge: "Bridge") -> None:
        """Make a bridge, and refuse one whose subnet is taken on this host."""
        self._help().call("bridge", bridge.link, str(bridge.address), bridge.mtu)

    def _reap(self) -> None:
        """Wait for those that nobody waited for; a table that is gone holds nothing either."""
        while self._leaving:
            self._leaving.pop().finish()

    def _help(self) -> "Helper":
        if self._helper is None:
            self._helper = helper.take()
        return self._helper


class Wire:
    """One wire on its way; ``connect`` or ``abandon`` it."""

    def __init__(
        self,
        wires: Wires,
        bridge: "Bridge",
        endpoint: "Endpoint",
        *,
        joining: nft.Transaction,
        lock: int,
    ) -> None:
        self.bridge = bridge
        self.endpoint = endpoint
        self.joining = joining
        self.lock = lock
        self._wires = wires
        self._open = True

    def connect(self, namespace: str) -> None:
        """Wait for bridge and rules, and lead the wire into a network namespace."""
        self._open = False
        self._wires.settle(self)
        self._wires.lead(self, namespace)

    def abandon(self) -> None:
        """Wait for what was asked and let it be; nothing for one that was connected."""
        if self._open:
            self._open = False
            try:
                self._wires.settle(self)
            except ToolkitError:
                return  # whoever gives up has the reason that counts


def present() -> set[str]:
    """The names of all links of this network namespace."""
    return {name for _, name in _socket.if_nameindex()}


def _locked(path: str, how: int) -> int:
    os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, how)
    return fd
