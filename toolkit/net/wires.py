"""The room's face to who runs containers: wires are laid, and taken up again.

Laying one has two halves, so that the slow parts run while something else does: ``begin`` asks for
the bridge and the rules, ``connect`` waits for both and leads the wires into the container.
"""

import _socket
import fcntl
import os

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.net import foreign, helper, nft, rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    from toolkit.net.wiring import Bridge, Endpoint, Plug

    Ruleset = Callable[[], tuple[list[Bridge], str]]

    class Asking(Protocol):
        """A ``helper.Helper``, or one lane of one that many share."""

        def ask(self, name: str, *args: Any, **options: Any) -> None:
            """Send a request."""

        def answer(self) -> Any:
            """What came of the oldest request without an answer."""

        def call(self, name: str, *args: Any, **options: Any) -> Any:
            """Ask and wait for the answer."""

        def close(self) -> None:
            """Let it go."""


class Wires:
    """All wires of one host. ``lock`` is a file; ``ruleset`` gives all bridges and all rules.

    ``take`` gives the helper, once one is needed.

    Whoever writes all rules holds the lock alone, so that no container that is just joining is
    left out of them.
    """

    def __init__(
        self, lock: str, ruleset: "Ruleset", *, take: "Callable[[], Asking]" = helper.take
    ) -> None:
        self._lock = lock
        self._ruleset = ruleset
        self._take = take
        self._helper: Asking | None = None
        self._leaving: list[nft.Transaction] = []

    def close(self) -> None:
        """Let the helper go, and wait for what is not yet done."""
        self._reap()
        self._drop()

    def begin(self, plugs: "tuple[Plug, ...]", skeleton: str) -> "Wire":
        """Ask for the bridges, and for the rules that let one container in."""
        try:
            for plug in plugs:
                self._help().ask("bridge", _bridge(plug.bridge))
        except UnavailableError:
            self._drop()
            raise
        text = "".join(rules.joining(plug.endpoint) for plug in plugs)
        lock = _locked(self._lock, fcntl.LOCK_SH)
        try:
            joining = nft.Transaction(rules.checking(skeleton) + text + foreign.LOOK)
        except BaseException:
            os.close(lock)
            raise
        return Wire(self, plugs, joining=joining, lock=lock)

    def settle(self, wire: "Wire") -> None:
        """Wait until bridges and rules are there."""
        try:
            said = wire.joining.finish()
        finally:
            os.close(wire.lock)
        failed = self._answers(len(wire.plugs))
        if failed:
            raise failed
        if nft.is_missing(said):
            self.reload()
        elif said:
            raise nft.refusal(said)
        elif chains := foreign.missing(wire.joining.shown):
            self._accept(chains)

    def _answers(self, count: int) -> ToolkitError | None:
        """Take that many answers; the first failure among them."""
        failed = None
        for _ in range(count):
            try:
                self._help().answer()
            except UnavailableError as error:
                self._drop()
                return error
            except ToolkitError as error:
                failed = failed or error
        return failed

    def lead(self, plug: "Plug", namespace: str) -> str:
        """Lead a wire into a network namespace; its name there."""
        bridge, endpoint = plug.bridge, plug.endpoint
        second = bridge.address6
        self._forget((endpoint,) if endpoint.worn else (), endpoint.flows)
        name: str = self._call(
            "connect",
            {
                "bridge": bridge.link,
                "link": endpoint.link,
                "mac": endpoint.mac,
                "mtu": bridge.mtu,
                "isolated": not bridge.icc,
                "address": endpoint.address,
                "prefix": bridge.address.prefix,
                "address6": endpoint.address6,
                "prefix6": second.prefix if second else 0,
                **dict(zip(("gateway", "gateway6"), gateways(bridge), strict=True)),
                "namespace": namespace,
                "name": plug.name,
                "loopback": bool(endpoint.ports),
                "forward": not bridge.internal,
                "forward6": bool(second) and not bridge.internal,
            },
        )
        return name

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
            # Where a port leads to another already, a faster command has forgotten all of this.
            if said and not nft.is_missing(said) and not nft.is_taken(said):
                raise nft.refusal(said)
            self._forget([one for one in gone if one.flows])
        else:
            self._leaving.append(transaction)
        there = present()
        for endpoint in gone:
            if endpoint.link in there:
                self._call_again("remove", endpoint.link)

    def _forget(
        self, endpoints: "Iterable[Endpoint]", ports: "Iterable[tuple[str, int]]" = ()
    ) -> None:
        """Have no flow go on as it was; to be called once the rules are right."""
        addresses = [address for one in endpoints for address in one.addresses]
        if addresses or ports:
            self._call_again("forget", addresses, list(ports))

    def admit(self, endpoint: "Endpoint") -> None:
        """Write the rules of a container that is there already, as after its ports moved."""
        nft.apply(rules.joining(endpoint))

    def route(self, namespace: str, endpoint: "Endpoint", bridge: "Bridge") -> None:
        """Let a container reach the world by another of its networks."""
        self._call("route", namespace, endpoint.address, gateways(bridge))

    def reload(self) -> None:
        """Write all rules anew."""
        lock = _locked(self._lock, fcntl.LOCK_EX)
        try:
            bridges, text = self._ruleset()
            written = nft.Transaction(text + foreign.LOOK)
            said = written.finish()
            if said:
                raise nft.refusal(said)
            foreign.write(bridges, foreign.closed(written.shown))
        finally:
            os.close(lock)

    def _accept(self, chains: "list[foreign.Closed]") -> None:
        """Somebody closed the host for all that they do not know since we wrote our rules."""
        lock = _locked(self._lock, fcntl.LOCK_EX)
        try:
            foreign.write(self._ruleset()[0], chains)
        finally:
            os.close(lock)

    def remove_bridge(self, link: str) -> None:
        """Remove a bridge; nothing if it is gone."""
        self._call("remove", link)

    def link(self, namespaces: "tuple[str, str]", addresses: "tuple[str, str]") -> None:
        """Join two network namespaces by a wire of their own; empty addresses are chosen."""
        self._call("link", *namespaces, addresses)

    def make_bridge(self, bridge: "Bridge") -> None:
        """Make a bridge, and refuse one whose subnet is taken on this host."""
        self._call("bridge", _bridge(bridge))

    def _reap(self) -> None:
        """Wait for those that nobody waited for; a table that is gone holds nothing either."""
        while self._leaving:
            self._leaving.pop().finish()

    def _call(self, name: str, *args: "Any") -> "Any":
        """Ask the helper, and let go of one that is gone."""
        try:
            return self._help().call(name, *args)
        except UnavailableError:
            self._drop()
            raise

    def _call_again(self, name: str, *args: "Any") -> None:
        """The same of what must be done even where a first helper was killed."""
        try:
            self._call(name, *args)
        except UnavailableError:
            self._call(name, *args)

    def _drop(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _help(self) -> "Asking":
        if self._helper is None:
            self._helper = self._take()
        return self._helper


class Wire:
    """The wires of one container on their way; ``connect`` or ``abandon`` them."""

    def __init__(
        self, wires: Wires, plugs: "tuple[Plug, ...]", *, joining: nft.Transaction, lock: int
    ) -> None:
        self.plugs = plugs
        self.joining = joining
        self.lock = lock
        self._wires = wires
        self._open = True

    def connect(self, namespace: str) -> None:
        """Wait for bridges and rules, and lead the wires into a network namespace."""
        self._open = False
        self._wires.settle(self)
        for plug in self.plugs:
            self._wires.lead(plug, namespace)

    def abandon(self) -> None:
        """Wait for what was asked and let it be; nothing for one that was connected."""
        if self._open:
            self._open = False
            try:
                self._wires.settle(self)
            except ToolkitError:
                return  # whoever gives up has the reason that counts


def gateways(bridge: "Bridge") -> tuple[str, str]:
    """By whom a container reaches the world, of IPv4 and IPv6; empty where it does not."""
    if bridge.internal:
        return "", ""
    return bridge.address.address, bridge.address6.address if bridge.address6 else ""


def present() -> set[str]:
    """The names of all links of this network namespace."""
    return {name for _, name in _socket.if_nameindex()}


def _bridge(bridge: "Bridge") -> "dict[str, Any]":
    return {
        "link": bridge.link,
        "address": str(bridge.address),
        "address6": str(bridge.address6 or ""),
        "mtu": bridge.mtu,
    }


def _locked(path: str, how: int) -> int:
    os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, how)
    return fd
