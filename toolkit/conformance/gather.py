"""Gather once: one host document a host, one container a host, runtime and box specification.

Everything is cached, failures too, so sixty checks cost what their containers cost. The default
container and the one beside it live until ``finish``, so that their namespaces can be compared
while both exist; the others are removed as soon as they have answered.
"""

import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.documents import Box, BoxDoc, HostDoc, ProbeDoc
from toolkit.conformance.drivers.base import Driver, Started, Workshop
from toolkit.conformance.drivers.choice import Choice, open_driver
from toolkit.conformance.machine import (
    TIMEOUT,
    Answer,
    BoxError,
    Link,
    Machine,
    last_line,
    parse,
    probe_argv,
)
from toolkit.conformance.profile import Profile, load
from toolkit.core.errors import ToolkitError, UnavailableError

PLAIN = BoxSpec()
BESIDE = BoxSpec(label="beside")
STATUSES = (0, 42, 255)
# Where engines listen; none of it may be inside a container.
ENGINE_SOCKETS = (
    "/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/crio/crio.sock",
    "/run/containerd/containerd.sock", "/run/dockyard.sock", "/run/dockyard/engine.sock",
)  # fmt: skip
LOOKED_AT = (
    "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe", "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/kernel/modules_disabled", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity",
    "/proc/bus", "/proc/fs", "/proc/irq", "/sys", "/sys/kernel/uevent_helper",
    "/sys/class/net/lo/mtu", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup",
    "/sys/fs/cgroup/devices/devices.allow", "/sys/fs/cgroup/memory/release_agent",
    "/sys/fs/cgroup/pids/release_agent", "/sys/fs/cgroup/cgroup.procs", "/dev/kmsg",
    "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security", "/sys/fs/bpf",
)  # fmt: skip
# kmsg, fuse, tun, mem, kvm: real devices that no default container may open.
FORBIDDEN_DEVICES = ("1:11", "10:229", "10:200", "1:1", "10:232")


class HostSession:
    """One host while it is checked."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Link],
        *,
        driver: Callable[..., Driver] = open_driver,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self.unreachable = ""
        self._connect = connect
        self._timeout = timeout
        self._machine: Machine | None = None
        self.session = f"dockyard-check-{secrets.token_hex(4)}"
        self._open_driver = driver
        self._host: HostDoc | None = None
        self._mark: dict[str, int] = {}
        self._targets: dict[Choice, Target] = {}

    @property
    def machine(self) -> Machine:
        """The host, connected when first asked for; raises ``UnavailableError`` each time."""
        if self.unreachable:
            raise UnavailableError(self.unreachable)
        if self._machine is None:
            try:
                link = self._guarded(self._connect())
                self._machine = Machine(self.name, link, timeout=self._timeout)
            except UnavailableError as error:
                self.unreachable = error.message
                raise
        return self._machine

    @property
    def host(self) -> HostDoc:
        """The host before any container was started."""
        if self._host is None:
            self._host = HostDoc(self.machine.probe("facts", {"engine_sockets": ENGINE_SOCKETS}))
        return self._host

    @property
    def mark(self) -> dict[str, int]:
        """``key`` and ``id`` of the shared memory segment that no container may find."""
        if not self._mark:
            self._mark = self.machine.probe("mark", {"key": secrets.randbelow(1 << 30) + 1})
        return self._mark

    def target(self, choice: Choice) -> "Target":
        """One runtime on this host; the same one each time."""
        if choice not in self._targets:
            session = f"{self.session}-{len(self._targets)}"
            self._targets[choice] = Target(self, choice, session=session, driver=self._open_driver)
        return self._targets[choice]

    def close(self) -> None:
        """Remove everything that checking made; the link stays the caller's."""
        if self.unreachable:
            return
        # Everything is tried, whatever fails; the last failure is the caller's to report.
        with ExitStack() as undo:
            if self._mark.get("id", -1) >= 0:
                undo.callback(self.machine.probe, "unmark", self._mark)
            self._mark = {}
            for target in self._targets.values():
                undo.callback(target.finish)

    def _guarded(self, link: Link) -> Link:
        return _Watched(link, self._lost)

    def _lost(self, why: str) -> None:
        self.unreachable = why


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait until the end of what is being done; only the main thread gets it at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        raise KeyboardInterrupt


class _Watched:
    """A link that tells when it is lost, so that a dead host is asked only once."""

    def __init__(self, link: Link, lost: Callable[[str], None]) -> None:
        self.host = link.host
        self._link = link
        self._lost = lost

    def call(self, method: str, params: Mapping[str, Any], *, body: bytes = b"") -> Answer:
        """Pass it on, whole: an interrupted call would end the link, and with it the cleaning."""
        try:
            with undisturbed():
                return self._link.call(method, params, body=body)
        except UnavailableError as error:
            self._lost(error.message)
            raise

    def close(self) -> None:
        """Pass it on."""
        self._link.close()


class Target:
    """One runtime on one host: its containers' documents, each gathered when first asked for."""

    def __init__(
        self,
        owner: HostSession,
        choice: Choice,
        *,
        session: str,
        driver: Callable[..., Driver] = open_driver,
    ) -> None:
        self.owner = owner
        self.choice = choice
        self.session = session
        self.profile: Profile = load(choice.profile)
        self._open_driver = driver
        self._driver: Driver | None = None
        self._boxes: dict[BoxSpec, Box | ToolkitError] = {}
        self._alive: list[Started] = []
        self._statuses: dict[int, int] = {}
        self._after: HostDoc | None = None

    @property
    def name(self) -> str:
        """The host's name."""
        return self.owner.name

    @property
    def runtime(self) -> str:
        """The runtime's name as it was asked for."""
        return self.choice.name

    @property
    def host(self) -> HostDoc:
        """The host before any container was started."""
        return self.owner.host

    @property
    def driver(self) -> Driver:
        """What starts containers here."""
        if self._driver is None:
            shop = Workshop(machine=self.owner.machine, host=self.host, session=self.session)
            self._driver = self._open_driver(self.choice, shop)
        return self._driver

    def box(self, spec: BoxSpec) -> Box:
        """The documents of a container with these options; raises ``BoxError`` each time."""
        if spec not in self._boxes:
            try:
                self._boxes[spec] = self._gather(spec)
            except ToolkitError as error:
                self._boxes[spec] = error
        found = self._boxes[spec]
        if isinstance(found, ToolkitError):
            raise found
        return found

    @property
    def other(self) -> Box:
        """A second container with defaults, started while the first one lives."""
        self.box(PLAIN)
        return self.box(BESIDE)

    @property
    def statuses(self) -> dict[int, int]:
        """``{exit status of the container's process: exit status of the runtime}``."""
        if not self._statuses:
            self._statuses = {
                wanted: self.driver.run(probe_argv("probe", "status", wanted)).status
                for wanted in STATUSES
            }
        return self._statuses

    @property
    def after(self) -> HostDoc:
        """The host when every container of this target is gone; ends the target."""
        if self._after is None:
            self.box(PLAIN)  # nothing left of no container would prove nothing
            boxes = [box for box in self._boxes.values() if isinstance(box, Box)]
            self.finish()
            order = {
                "groups": sorted({path for box in boxes for path in self._own_groups(box)}),
                "processes": [
                    one for box in boxes for one in box.outside.raw["holders"]["processes"]
                ],
                "pins": [pin for box in boxes for pin in box.outside.raw["holders"]["pins"]],
                "engine_sockets": ENGINE_SOCKETS,
                "marks": [self.session, *(box.id for box in boxes)],
            }
            self._after = HostDoc(self.owner.machine.probe("facts", order))
        return self._after

    def finish(self) -> None:
        """Remove the containers that still live, and the driver's own files."""
        driver, alive = self._driver, self._alive
        self._driver, self._alive = None, []
        if driver is None:
            return
        with ExitStack() as undo:
            undo.callback(driver.close)
            for started in alive:
                undo.callback(driver.remove, started)

    def _own_groups(self, box: Box) -> set[str]:
        # A controller that the runtime left alone is the caller's own group, which stays.
        return {path for path in box.outside.groups.values() if box.id[:12] in path}

    def _gather(self, spec: BoxSpec) -> Box:
        order = self._order(spec)
        started = self.driver.start(spec, probe_argv("probe", "init", order))
        self._alive.append(started)
        done = self.driver.exec(started, probe_argv("probe", "exec", order))
        where = f"{self.choice.name} on '{self.owner.name}' ({spec.title})"
        if done.status:
            raise BoxError(f"{where}: the probe ended with {done.status}: {last_line(done.stderr)}")
        document = parse(done.stdout, where)
        outside = self.owner.machine.probe("box", {"pid": started.pid})
        if spec not in (PLAIN, BESIDE):
            self._alive.remove(started)
            self.driver.remove(started)
        return Box(
            id=started.id,
            asked_hostname=started.hostname,
            init=ProbeDoc(document["init"]),
            exec=ProbeDoc(document["exec"]),
            outside=BoxDoc(outside),
        )

    def _order(self, spec: BoxSpec) -> dict[str, Any]:
        profile, host = self.profile, self.host
        thermal = tuple(
            f"/sys/devices/system/cpu/cpu{number}/thermal_throttle"
            for number in range(int(host.raw["cpus"]))
        )
        known = (*profile.masked_files, *profile.masked_folders, *profile.read_only)
        work = [
            (name, {"host": host.ns["uts"], "name": what} if name == "rename" else what)
            for name, what in spec.work
        ]
        order: dict[str, Any] = {
            "paths": sorted({*known, *thermal, *LOOKED_AT, *ENGINE_SOCKETS}),
            "values": [
                "/sys/fs/cgroup/cgroup.procs",
                *(f"/proc/sys/{name}" for name in profile.sysctls),
            ],
            "devices": FORBIDDEN_DEVICES,
            "host_pid": host.raw["pid"],
            "host_pid_began": host.raw.get("pid_began"),
            "work": work,
        }
        if self.owner.mark["id"] >= 0:
            order["shm_key"] = self.owner.mark["key"]
        return order
