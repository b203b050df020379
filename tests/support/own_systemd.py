"""A real systemd that has a cgroup v2 tree of its own, on a machine that need not run any.

It is the manager of a user's services, which makes scopes as the system's does. It stands in mount
and cgroup namespaces whose tree begins at a group that the test made and removes.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from support.fork import in_child
from toolkit.cgroup import dbus
from toolkit.core.errors import UnavailableError
from toolkit.linux.mounts import MountFlag, UmountFlag, mount, umount2
from toolkit.linux.namespaces import NamespaceFlag, unshare

T = TypeVar("T")
GROUPS = Path("/sys/fs/cgroup")
ALL_GROUPS = Path("/run/groups")
RUNTIME = Path("/run/user/0")
SOCKET = RUNTIME / "systemd/private"
BUS = RUNTIME / "bus"
UNITS = Path("/run/units")
SECONDS = 100
MANAGER = dbus.Method(
    service="", path="/org/freedesktop/systemd1", interface="org.freedesktop.systemd1.Manager"
)


def with_systemd(program: str, mark: str, action: Callable[[], T]) -> T:
    """What ``action`` gives in a child where systemd serves on ``SOCKET``; nothing is left."""

    def inside() -> T:
        unshare(NamespaceFlag.MOUNT)
        mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
        mount("tmpfs", "/run", "tmpfs")
        for folder in ("/run/systemd/system", RUNTIME, ALL_GROUPS):  # as if systemd had booted
            os.makedirs(folder)
        mount("cgroup2", str(ALL_GROUPS), "cgroup2")
        group = ALL_GROUPS / mark
        group.mkdir()
        try:
            return in_child(lambda: _serve(program, group, action))
        finally:
            _remove(group)

    return in_child(inside)


def _serve(program: str, group: Path, action: Callable[[], T]) -> T:
    (group / "cgroup.procs").write_text("0")
    unshare(NamespaceFlag.CGROUP | NamespaceFlag.MOUNT)
    umount2(str(ALL_GROUPS), flags=UmountFlag.DETACH)  # else dockyard would take that tree
    mount("cgroup2", str(GROUPS), "cgroup2")
    UNITS.mkdir()
    (UNITS / "basic.target").write_text("[Unit]\nDescription=nothing else\n")
    env = {"XDG_RUNTIME_DIR": str(RUNTIME), "SYSTEMD_UNIT_PATH": str(UNITS), "HOME": "/run"}
    argv = (program, "--user", "--unit=basic.target", "--log-target=null")
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL) as manager:
        try:
            _wait_for(lambda: _answers() or manager.poll() is not None)
            assert manager.poll() is None, "systemd ended"
            return action()
        finally:
            manager.send_signal(signal.SIGKILL)  # its way to end takes seconds


def serve_bus(daemon: str) -> None:
    """Have that systemd start a bus, which it joins itself: from then on ``BUS`` leads to it."""
    (UNITS / "dbus.socket").write_text(f"[Socket]\nListenStream={BUS}\n")
    flags = "--session --address=systemd: --nofork --nopidfile --syslog-only"
    service = f"[Service]\nType=notify\nExecStart={daemon} {flags}\n"
    (UNITS / "dbus.service").write_text(f"[Unit]\nRequires=dbus.socket\n{service}")
    with dbus.Bus(str(SOCKET), timeout=SECONDS, hello=False) as bus:
        bus.call(MANAGER, "Reload")
    with dbus.Bus(str(SOCKET), timeout=SECONDS, hello=False) as bus:
        bus.call(MANAGER, "StartUnit", "ss", "dbus.service", "replace")
    _wait_for(_is_on_the_bus)


def _is_on_the_bus() -> bool:
    try:
        with dbus.Bus(str(BUS), timeout=SECONDS, hello=True) as bus:
            (names,) = bus.call(dbus.DAEMON, "ListNames")
    except UnavailableError:
        return False
    return "org.freedesktop.systemd1" in names


def _answers() -> bool:
    try:
        with dbus.Bus(str(SOCKET), timeout=SECONDS, hello=False) as bus:
            bus.call(MANAGER, "GetUnit", "s", "basic.target")
    except UnavailableError:  # its socket is not there yet, or nobody listens yet
        return False
    return True


def _remove(folder: Path) -> None:
    """What systemd left: its groups, with what runs in them."""
    (folder / "cgroup.kill").write_text("1")
    events = folder / "cgroup.events"
    _wait_for(lambda: "populated 0" in events.read_text())
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        path.rmdir()
    folder.rmdir()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
