"""podman, with storage of its own so that an operator's containers are never touched."""

import json
from typing import Any

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.drivers.base import Started, Workshop, make_root, with_swap
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.machine import Machine, Ran

# podman raises limits to its own maximum, which takes SYS_RESOURCE.
_LOW_LIMITS = ("--ulimit", "nofile=1024:4096", "--ulimit", "nproc=4096:8192")
# What podman leaves below a v1 tree: its own group in each controller, and plain directories where
# it looked for controllers that are not mounted. What is in use cannot be removed, and is not.
_SWEEP = """
cd /sys/fs/cgroup || exit 0
for name in hugetlb net_cls net_prio perf_event */libpod_parent; do
    grep -q " /sys/fs/cgroup/$name " /proc/self/mountinfo && continue
    [ -d "$name" ] && find "$name" -depth -type d -exec rmdir {} + 2>/dev/null
done
exit 0
"""


class Podman:
    """podman with a root directory as ``--rootfs`` and no network."""

    def __init__(self, choice: Choice, shop: Workshop) -> None:
        self.name = choice.name
        self.profile = choice.profile
        self._program = choice.program
        self._shop = shop
        self._folder = ""

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        """``podman run --detach``."""
        self._prepare()
        command = (
            *self._command,
            "run",
            "--detach",
            *options(spec, with_swap(spec, self._shop.host)),
            *self._root,
            *argv,
        )
        what = f"{self.name} cannot start a container"
        # conmon leaves a file "oom" in its own directory when the container runs out of memory.
        out = self._machine.must(command, what, cwd=self._folder)
        box = out.strip().splitlines()[-1]
        inspect = (*self._command, "inspect", "--type", "container", box)
        about: list[dict[str, Any]] = json.loads(
            self._machine.must(inspect, f"{self.name} cannot inspect a container")
        )
        return Started(id=box, pid=int(about[0]["State"]["Pid"]), hostname=spec.hostname)

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        """``podman exec``."""
        return self._machine.run((*self._command, "exec", started.id, *argv), cwd=self._folder)

    def run(self, argv: tuple[str, ...]) -> Ran:
        """``podman run --rm``."""
        self._prepare()
        command = (*self._command, "run", "--rm", *options(BoxSpec()), *self._root, *argv)
        return self._machine.run(command, cwd=self._folder)

    def remove(self, started: Started) -> None:
        """``podman rm --force``."""
        command = (*self._command, "rm", "--force", "--time", "0", started.id)
        self._machine.must(command, f"{self.name} cannot remove a container")

    def close(self) -> None:
        """Remove the storage, the root directory, and what podman left below the cgroup tree."""
        if not self._folder:
            return
        # Layers may be mounted below the storage: podman has to let go of them first.
        self._machine.run((*self._command, "rm", "--all", "--force", "--time", "0"))
        self._machine.remove(self._folder)
        self._folder = ""
        if self._shop.host.cgroup_version != "v2":
            self._machine.run(("sh", "-c", _SWEEP))

    @property
    def _machine(self) -> Machine:
        return self._shop.machine

    @property
    def _root(self) -> tuple[str, ...]:
        low = "SYS_RESOURCE" not in self._shop.host.status.effective
        volume = ("--volume", "/usr:/usr:ro", "--rootfs", f"{self._folder}/rootfs")
        return (*_LOW_LIMITS, *volume) if low else volume

    @property
    def _command(self) -> tuple[str, ...]:
        folder = self._folder
        own = ("--root", f"{folder}/storage", "--runroot", f"{folder}/run")
        events = ("--tmpdir", f"{folder}/libpod", "--events-backend", "file")
        if self._shop.host.cgroup_version == "v2":
            return (self._program, *own, *events)
        # crun refuses a hybrid tree, and systemd's driver needs v2 or a systemd of the same mind.
        driver = ("--cgroup-manager", "cgroupfs", "--runtime", "/usr/sbin/runc")
        return (self._program, *own, *events, *driver)

    def _prepare(self) -> None:
        if self._folder:
            return
        # Raises where there is no such program, before anything has to be taken back.
        self._machine.run((self._program, "--version"))
        folder = self._machine.temporary()
        self._folder = folder
        make_root(self._machine, f"{folder}/rootfs")


def options(spec: BoxSpec, swap: int = 0) -> tuple[str, ...]:
    """What a box asks for as flags that podman, docker and nerdctl share."""
    flags: list[tuple[str, object]] = [
        ("--network", "none"),
        ("--hostname", spec.hostname),
        ("--memory", spec.memory),
        ("--memory-swap", swap),
        ("--pids-limit", spec.pids),
        ("--cpus", spec.cpus),
        ("--cpuset-cpus", spec.cpuset),
        ("--user", f"{spec.user}:{spec.user}" if spec.user else ""),
        *(("--cap-add", name) for name in spec.cap_add),
        *(("--cap-drop", name) for name in spec.cap_drop),
        ("--security-opt", "no-new-privileges" if spec.no_new_privileges else ""),
    ]
    given = [word for flag, value in flags if value for word in (flag, str(value))]
    return (*given, "--read-only") if spec.read_only else tuple(given)
