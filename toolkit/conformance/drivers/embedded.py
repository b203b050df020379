"""The embedded runtime, through the agent's own container methods; nothing to install."""

from typing import Any

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.drivers.base import Started, Workshop, with_swap
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.machine import BoxError, Ran
from toolkit.core.errors import ToolkitError, UnavailableError

PERIOD = 100_000


class Embedded:
    """Containers from the image ``host``, with data and state in a directory of their own."""

    def __init__(self, choice: Choice, shop: Workshop) -> None:
        self.name = choice.name
        self.profile = choice.profile
        self._shop = shop
        self._folder = ""

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        """Create a container and start it in the background."""
        box = str(
            self._call(
                "container.create", config=configure(spec, argv, with_swap(spec, self._shop.host))
            )
        )
        view = self._call("container.start", id=box)
        return Started(id=box, pid=int(view["pid"]), hostname=spec.hostname)

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        """Run one more process in it, to its end."""
        limit = self._shop.machine.timeout
        return Ran(**self._call("container.exec", id=started.id, argv=list(argv), timeout=limit))

    def run(self, argv: tuple[str, ...]) -> Ran:
        """Run a container with defaults to its end; it removes itself."""
        return Ran(**self._call("container.run", config=configure(BoxSpec(), argv)))

    def remove(self, started: Started) -> None:
        """Kill it and remove everything of it."""
        self._call("container.remove", id=started.id, force=True)

    def close(self) -> None:
        """Remove the data and state of all of them."""
        if self._folder:
            self._shop.machine.remove(self._folder)
            self._folder = ""

    def _call(self, method: str, **params: Any) -> Any:
        if not self._folder:
            self._folder = self._shop.machine.temporary()
        settings = {"data_root": f"{self._folder}/data", "run_root": f"{self._folder}/run"}
        try:
            return self._shop.machine.link.call(method, {**params, "settings": settings}).result
        except UnavailableError:
            raise
        except ToolkitError as error:
            raise BoxError(f"{self.name}: {method}: {error.message}", hint=error.hint) from error


def configure(spec: BoxSpec, argv: tuple[str, ...], swap: int = 0) -> dict[str, Any]:
    """What a box asks for in the engine's words; see ``toolkit.engine.config``."""
    config: dict[str, Any] = {
        "image": "host",
        "command": list(argv),
        "network": "none",
        "hostname": spec.hostname,
        "memory": spec.memory,
        "memory_swap": swap,
        "pids_limit": spec.pids,
        "cpuset_cpus": spec.cpuset,
        "cap_add": list(spec.cap_add),
        "cap_drop": list(spec.cap_drop),
        "no_new_privileges": spec.no_new_privileges,
        "read_only": spec.read_only,
    }
    if spec.user:
        config["user"] = f"{spec.user}:{spec.user}"
    if spec.cpus:
        config.update(cpu_quota=int(spec.cpus * PERIOD), cpu_period=PERIOD)
    return config
