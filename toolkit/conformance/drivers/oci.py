"""Any OCI runtime from its command line: ``runc spec``, changed only by what a box asks for."""

import copy
import json
from typing import Any

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.drivers.base import Started, Workshop, make_root, with_swap
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.machine import BoxError, Machine, Ran, last_line

CAPABILITY_SETS = ("bounding", "effective", "permitted")
PERIOD = 100_000
_BUNDLE = """
mkdir "$3" && cat >"$3/config.json" || exit
"""
# The container's stdout must not be the pipe that the caller reads to its end.
_START = """
"$1" --root "$2" run --detach --bundle "$3" --pid-file "$3/pid" "$4" \
    </dev/null >"$3/out" 2>&1 || { status=$?; cat "$3/out" >&2; exit $status; }
cat "$3/pid"
"""
# A forced removal waits 100 ms for the end of what it killed; what is dead it removes at once.
_REMOVE = """
"$1" --root "$2" kill "$4" KILL 2>/dev/null && sleep 0.02
exec "$1" --root "$2" delete --force "$4"
"""
_RUN = """
exec "$1" --root "$2" run --bundle "$3" "$4" </dev/null
"""


class Oci:
    """A runtime that reads bundles, with a state root of its own."""

    def __init__(self, choice: Choice, shop: Workshop) -> None:
        self.name = choice.name
        self.profile = choice.profile
        self._program = choice.program
        self._shop = shop
        self._folder = ""
        self._base: dict[str, Any] = {}
        self._count = 0

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        """Write a bundle and run it detached."""
        box, config = self._bundle(spec, argv)
        command = self._script(_BUNDLE + _START, box)
        pid = self._machine.must(command, f"{self.name} cannot start a container", stdin=config)
        asked = str(json.loads(config).get("hostname", ""))
        return Started(id=box, pid=int(pid), hostname=asked)

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        """``runtime exec ID ARGV``."""
        return self._machine.run((*self._command, "exec", started.id, *argv))

    def run(self, argv: tuple[str, ...]) -> Ran:
        """``runtime run ID`` in the foreground; the runtime removes it by itself."""
        box, config = self._bundle(BoxSpec(), argv)
        return self._machine.run(self._script(_BUNDLE + _RUN, box), stdin=config)

    def remove(self, started: Started) -> None:
        """``runtime kill ID KILL``, then ``runtime delete --force ID``."""
        done = self._machine.run(self._script(_REMOVE, started.id))
        if done.status:
            raise BoxError(f"{self.name} cannot remove a container: {last_line(done.stderr)}")

    def close(self) -> None:
        """Remove bundles, root directory and state."""
        if self._folder:
            self._machine.remove(self._folder)
            self._folder = ""

    @property
    def _machine(self) -> Machine:
        return self._shop.machine

    @property
    def _state(self) -> str:
        return f"{self._folder}/state"

    @property
    def _command(self) -> tuple[str, ...]:
        return (self._program, "--root", self._state)

    def _script(self, script: str, box: str) -> tuple[str, ...]:
        bundle = f"{self._folder}/{box}"
        return ("sh", "-c", script, "sh", self._program, self._state, bundle, box)

    def _bundle(self, spec: BoxSpec, argv: tuple[str, ...]) -> tuple[str, str]:
        """A new container's id and its ``config.json``."""
        if not self._folder:
            self._folder = self._machine.temporary()
            make_root(self._machine, f"{self._folder}/rootfs")
        if not self._base:
            self._base = self._specification()
        self._count += 1
        box = f"{self._shop.session}-{self._count}"
        config = configure(self._base, spec, argv, swap=with_swap(spec, self._shop.host))
        config["root"]["path"] = f"{self._folder}/rootfs"
        # Relative: below the group that the agent is in, on every cgroup version.
        config["linux"]["cgroupsPath"] = box
        return box, json.dumps(config)

    def _specification(self) -> dict[str, Any]:
        script = 'cd "$1" && "$2" spec >&2 && cat config.json'
        argv = ("sh", "-c", script, "sh", self._folder, self._program)
        text = self._machine.must(argv, f"{self.name} writes no specification")
        base: dict[str, Any] = json.loads(text)
        return base


def configure(
    base: dict[str, Any], spec: BoxSpec, argv: tuple[str, ...], *, swap: int = 0
) -> dict[str, Any]:
    """The runtime's own default ``config.json`` with what a box asks for, and ``/usr``."""
    config = copy.deepcopy(base)
    process = config["process"]
    process["terminal"] = False
    process["args"] = list(argv)
    usr = {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]}
    config["mounts"].insert(0, usr)
    _resources(config["linux"].setdefault("resources", {}), spec, swap)
    _privileges(process, spec)
    if spec.hostname:
        config["hostname"] = spec.hostname
    if spec.read_only:
        config["root"]["readonly"] = True
    return config


def _resources(resources: dict[str, Any], spec: BoxSpec, swap: int) -> None:
    cpu: dict[str, Any] = {}
    if spec.memory:
        resources["memory"] = {"limit": spec.memory} | ({"swap": swap} if swap else {})
    if spec.pids:
        resources["pids"] = {"limit": spec.pids}
    if spec.cpus:
        cpu.update(quota=int(spec.cpus * PERIOD), period=PERIOD)
    if spec.cpuset:
        cpu["cpus"] = spec.cpuset
    if cpu:
        resources["cpu"] = cpu


def _privileges(process: dict[str, Any], spec: BoxSpec) -> None:
    if spec.user:
        process["user"] = {"uid": spec.user, "gid": spec.user}
    if spec.no_new_privileges:
        process["noNewPrivileges"] = True
    capabilities = process.get("capabilities", {})
    dropped = {f"CAP_{name}" for name in spec.cap_drop}
    added = {f"CAP_{name}" for name in spec.cap_add}
    for name in capabilities:
        kept = set() if "ALL" in spec.cap_drop else set(capabilities[name]) - dropped
        # As engines do: what is asked for never becomes ambient or inheritable.
        capabilities[name] = sorted(kept | added if name in CAPABILITY_SETS else kept)
        # A user other than root holds nothing unless it is ambient.
        if spec.user and name in ("ambient", "inheritable"):
            capabilities[name] = []
