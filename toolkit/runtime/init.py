"""The first process of a container, from its fork until it becomes the container's program.

It runs in a fork of the launcher, with all modules imported: after ``pivot_root`` the host's files
are out of reach. It tells the shim over one socket what happened: a terminal, that it is ready and
waits (``hold``), or a failure with stage, errno and path. End of file means that exec happened.
"""

from __future__ import annotations

import os

from toolkit.cgroup.files import enter
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.record import record, replace
from toolkit.linux import mount_options
from toolkit.linux.mounts import MountFlag, mount
from toolkit.linux.paths import PROC, filesystem_type
from toolkit.linux.process import (
    set_domainname,
    set_hostname,
    set_name,
)
from toolkit.runtime import becoming, gate, hooks, identity, joins, messages
from toolkit.runtime.cgroupfs import cgroup_steps
from toolkit.runtime.plan import open_trees, plan
from toolkit.runtime.request import StartRequest, from_data
from toolkit.runtime.root import bind_root, overlay_root
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from toolkit.oci.spec import Process, Spec
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.plan import Plan, Step
    from toolkit.runtime.root import Root
    from toolkit.runtime.sources import Trees

_FAILED = 125
_STDIO = 3


@record
class Hatchling:
    """What an init knows from its fork on: its request (or its JSON, ``raw``).

    ``made`` are namespaces that it is in already. Without a shim: ``listener`` is where whoever
    starts the container will call, and ``preserve`` says how many of the caller's descriptors, from
    3 on, the program inherits. In a user namespace it has the ``trees`` of the host already (see
    ``usernest``).
    """

    faults: bool
    request: StartRequest | None = None
    raw: bytes = b""
    made: int = 0
    listener: Socket | None = None
    preserve: int = 0
    trees: Trees | None = None


@record
class Order:
    """What an init has to become."""

    request: StartRequest
    link: Socket
    hatchling: Hatchling
    steps: Steps


def run(link: Socket, hatchling: Hatchling) -> NoReturn:
    """Become the container's program, or report why not and end."""
    steps = Steps()
    try:
        steps.enter("privacy")
        becoming.become_private(kept(link, hatchling))
        set_name("dockyard-init")
        request = hatchling.request or from_data(messages.decode(hatchling.raw.decode()))
        assert isinstance(request, StartRequest)
        steps = Steps(request.fault if hatchling.faults else "")
        _become(
            Order(
                request=request,
                link=link,
                hatchling=hatchling,
                steps=steps,
            )
        )
    except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
        becoming.report(link, steps, error)
    finally:
        os._exit(_FAILED)


def kept(link: Socket, hatchling: Hatchling) -> tuple[int, ...]:
    """The descriptors that an init needs, or is to hand on."""
    listening = () if hatchling.listener is None else (hatchling.listener.fileno(),)
    trees = () if hatchling.trees is None else hatchling.trees.fds()
    return (link.fileno(), *listening, *trees, *range(_STDIO, _STDIO + hatchling.preserve))


class Group:
    """The container's cgroup, which the shim makes while the init mounts; ``join`` waits for it.

    With it comes the system call filter, ``program``.
    """

    def __init__(self, order: Order, root: Root) -> None:
        self.filter = identity.Filter()
        self._order = order
        self._root = root
        self._joined = False

    def join(self) -> None:
        """Move this process into it, then make the namespace that shows it as the root; once."""
        if self._joined:
            return
        self._joined = True
        steps = self._order.steps
        before = steps.now
        steps.enter("cgroup namespace")
        told, fds = messages.receive(self._order.link)
        if told is None:
            os._exit(_FAILED)
        self.filter = becoming.read_filter(told, fds)
        self._root.groups = told["cgroup"]
        if self._order.hatchling.trees is None:  # else the maker has moved it: it may not
            enter(dict.fromkeys(self._root.groups.values()))
        joins.enter_cgroup_namespace(self._order.request.spec)
        steps.enter(before)


def _become(order: Order) -> NoReturn:
    request, steps = order.request, order.steps
    spec, process = request.spec, _process(request.spec)
    steps.enter("privacy")
    reaper = _reaper(request)
    todo = plan(spec, cgroup_steps(spec))
    steps.enter("namespaces")
    joins.enter_namespaces(spec, made=order.hatchling.made)
    steps.enter("sources")
    bound = request.overlay is None
    trees = order.hatchling.trees or open_trees(spec, todo.mounts, bound=bound)
    steps.enter("root")
    given = _receive_stdio(order.link)
    root = _root(request, trees)
    if order.hatchling.trees is not None:
        identity.own_namespace()
    group = Group(order, root)
    root.join = group.join
    stdio = _build(order, root, todo, given)
    steps.enter("host name")
    _name_host(spec)
    steps.enter("process")
    host = order.hatchling.trees is None
    extras = becoming.prepare(
        process, spec.linux.personality, keyring=request.new_keyring, host=host
    )
    steps.enter("hooks")
    state = _run_hooks(order)
    steps.enter("pivot")
    if request.pivot:
        root.enter()
    else:
        root.enter_over()
    _set_propagation(spec)
    if request.hold:
        state = _hold(order, process, state)
    _start_hooks(order, process, group.filter, state)
    becoming.finish(
        becoming.Last(
            process=process,
            stdio=stdio,
            filter=group.filter,
            link=order.link,
            own=process.terminal or not request.passthrough or bool(request.bundle),
            steps=steps,
            preserve=order.hatchling.preserve,
            reaper=reaper,
            extras=extras,
        )
    )


def _reaper(request: StartRequest) -> Callable[[], None] | None:
    """What makes this process stay, imported while the host's files are within reach."""
    if not request.init:
        return None
    from toolkit.runtime.reaper import stay  # noqa: PLC0415 - few want it

    return stay


def _run_hooks(order: Order) -> dict[str, Any]:
    """Let the maker run its hooks, then run those that belong here; the state for later ones."""
    spec = order.request.spec
    if not hooks.of_init(spec):
        return {}
    messages.send(order.link, {"hooks": True})
    state: dict[str, Any] = becoming.wait_for(order.link, "state")["state"]
    hooks.run(spec, "createContainer", state)
    return state


def _hold(order: Order, process: Process, state: dict[str, Any]) -> dict[str, Any]:
    """Wait until somebody starts the container; the state as it is then."""
    listener = order.hatchling.listener
    if listener is not None:
        order.steps.enter("exec")
        identity.locate(process)  # whoever creates it shall hear that the program is missing
    messages.send(order.link, {"ready": True})
    if listener is None:
        becoming.wait_for(order.link, "begin")
        return state
    becoming.wait_for(order.link, "leave")
    gate.wait(order.link, listener)
    return {**state, "status": "created"}


def _start_hooks(
    order: Order, process: Process, wanted: identity.Filter, state: dict[str, Any]
) -> None:
    """Hooks of the image's own: with no more rights than the container's process."""
    plain = replace(wanted, listener=None)
    order.steps.enter("start hooks")
    hooks.run(
        order.request.spec,
        "startContainer",
        state,
        become=lambda: identity.assume(process, plain),
    )


def _receive_stdio(link: Socket) -> tuple[int, int, int]:
    """The descriptors; with them comes the news that the state directory is there."""
    _, fds = messages.receive_bytes(link)
    if len(fds) != _STDIO:
        os._exit(_FAILED)
    return fds[0], fds[1], fds[2]


def _process(spec: Spec) -> Process:
    if spec.process is None or not spec.process.args:
        raise InvalidInputError("process.args: a container needs a program to run")
    return spec.process


def _root(request: StartRequest, trees: Trees) -> Root:
    mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    if request.overlay is not None:
        return overlay_root(request.overlay, request.state_dir, trees)
    if request.spec.root is None:
        raise InvalidInputError("root: a container needs a root file system")
    return bind_root(trees.take("root"), request.state_dir, trees)


def _build(
    order: Order, root: Root, todo: Plan, given: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Everything below the root; the descriptors that become stdio."""
    spec, steps = order.request.spec, order.steps
    steps.enter("mounts")
    _apply(todo.mounts, root)
    steps.enter("devices")
    _apply(todo.devices, root)
    root.join()
    os.setsid()
    steps.enter("terminal")
    stdio = given
    if spec.process is not None and spec.process.terminal:
        slave = becoming.open_terminal(order.link, root, spec.process)
        from toolkit.runtime.terminal import make_console  # noqa: PLC0415 - see open_terminal

        make_console(root, slave)
        stdio = _leave_stdio(given, slave)
    steps.enter("sysctl")
    for key, value in spec.linux.sysctl.items():
        _set_sysctl(root, key, value)
    if spec.process is not None:
        os.close(root.directory(spec.process.cwd))
    steps.enter("protect")
    _apply(todo.protect, root)
    return stdio


def _leave_stdio(given: tuple[int, int, int], slave: int) -> tuple[int, int, int]:
    """Have the terminal as stdio from now on; who waits for the end of the caller's own, as
    containerd's shim does for that of ``create``, waits for no container.
    """
    for number in range(_STDIO):
        os.dup2(slave, number)
    for fd in given:
        if fd >= _STDIO:
            os.close(fd)
    return slave, slave, slave


def _apply(steps: tuple[Step, ...], root: Root) -> None:
    for step in steps:
        step.apply(root)


def _set_sysctl(root: Root, key: str, value: str) -> None:
    parts = key.split("/") if "/" in key else key.split(".")
    if not all(parts) or ".." in parts:
        raise InvalidInputError(f"linux.sysctl: '{key}' is no kernel parameter")
    fd = root.open("/proc/sys/" + "/".join(parts), os.O_WRONLY)
    try:
        if filesystem_type(fd) != PROC:  # something of the image's, or of the host's (see labels)
            raise ToolkitError(f"linux.sysctl: '{key}' of the container is no kernel parameter")
        os.write(fd, value.encode())
    except OSError as error:
        raise OSError(error.errno, f"sysctl: {error.strerror}", key) from None
    finally:
        os.close(fd)


def _name_host(spec: Spec) -> None:
    if spec.hostname:
        set_hostname(spec.hostname)
    if spec.domainname:
        set_domainname(spec.domainname)


def _set_propagation(spec: Spec) -> None:
    if spec.linux.rootfs_propagation:
        mount(None, "/", flags=mount_options.PROPAGATION[spec.linux.rootfs_propagation])
