"""Name servers without a dnsmasq: what they were told is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

from toolkit.core.errors import ToolkitError
from toolkit.net.wiring import Bridge


@dataclass(kw_only=True, slots=True)
class FakeServers:
    """All of them; ``told`` holds the lines that each knows, ``failure`` what a start ends in."""

    installed: bool = True
    failure: ToolkitError | None = None
    told: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def available(self) -> bool:
        return self.installed

    def update(self, network: str, members: Callable[[], tuple[Bridge, list[str]] | None]) -> None:
        served = members()
        if served is None:
            self.told.pop(network, None)
            self.left = [name for name in self.left if name != network]
            return
        if self.failure:
            raise self.failure
        if network not in self.told:
            self.started.append(f"{network} at {served[0].address.address}")
        self.told[network] = served[1]

    def alive(self, network: str) -> bool:
        return network in self.told or network in self.left

    def known(self) -> list[str]:
        return [*self.told, *self.left]
