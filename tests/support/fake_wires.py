"""Wires without a kernel: what is asked of them is kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from toolkit.core.errors import ToolkitError
from toolkit.net.wiring import Bridge, Endpoint, Plug


@dataclass(kw_only=True, slots=True)
class FakeWire:
    """One wire; ``namespace`` is where it leads once it is connected."""

    plugs: tuple[Plug, ...]
    skeleton: str
    failure: ToolkitError | None = None
    namespace: str = ""
    abandoned: bool = False

    @property
    def endpoint(self) -> Endpoint:
        return self.plugs[0].endpoint

    def connect(self, namespace: str) -> None:
        if self.failure:
            raise self.failure
        self.namespace = namespace

    def abandon(self) -> None:
        self.abandoned = True


@dataclass(kw_only=True, slots=True)
class FakeWires:
    """All of them; ``failure`` is what connecting, or making a bridge, ends in."""

    ruleset: Callable[[], tuple[list[Bridge], str]] = lambda: ([], "")
    failure: ToolkitError | None = None
    wires: list[FakeWire] = field(default_factory=list)
    gone: list[Endpoint] = field(default_factory=list)
    bridges: list[str] = field(default_factory=list)
    admitted: list[Endpoint] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    rules: str = ""
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def begin(self, plugs: tuple[Plug, ...], skeleton: str) -> FakeWire:
        self.wires.append(FakeWire(plugs=plugs, skeleton=skeleton, failure=self.failure))
        return self.wires[-1]

    def leave(self, endpoints: Iterable[Endpoint]) -> None:
        self.gone += endpoints

    def reload(self) -> None:
        self.rules = self.ruleset()[1]

    def admit(self, endpoint: Endpoint) -> None:
        self.admitted.append(endpoint)

    def route(self, namespace: str, endpoint: Endpoint, bridge: Bridge) -> None:
        self.routes.append(f"{namespace} {endpoint.address} {bridge.link}")

    def make_bridge(self, bridge: Bridge) -> None:
        if self.failure:
            raise self.failure
        self.bridges.append(bridge.link)

    def remove_bridge(self, link: str) -> None:
        if link in self.bridges:
            self.bridges.remove(link)

    def link(self, namespaces: tuple[str, str], addresses: tuple[str, str]) -> None:
        self.bridges.append(f"{namespaces} {addresses}")
