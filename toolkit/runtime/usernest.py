"""The fork of an init in a user namespace, where it is root of nothing but its own.

In between stands a process that does what only the host's root may: it copies the trees that the
container is given, joins namespaces of the host's, and sets what is never given back. Then it goes
into the user namespace, has its ids mapped by the maker, makes the other namespaces there, so that
they belong to it, and forks the init as a child of the maker.
"""

from __future__ import annotations

import os
import resource

from toolkit.core.errors import ToolkitError
from toolkit.core.record import replace
from toolkit.linux.fork import fork_into, fork_sibling
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.process import set_dumpable, set_pdeathsig
from toolkit.runtime import becoming, identity, idmaps, init, joins, messages
from toolkit.runtime.cgroupfs import cgroup_steps
from toolkit.runtime.descriptors import keep_only
from toolkit.runtime.failures import sentence
from toolkit.runtime.plan import open_trees, plan
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from toolkit.oci.spec import Process, Spec
    from toolkit.runtime.init import Hatchling
    from toolkit.runtime.messages import Socket

_SIGKILL = 9
_LOST = 125


def hatch(known: Hatchling, cgroup_fd: int) -> tuple[int, Socket]:
    """The init's pid and our end of the line to it; ``cgroup_fd`` as ``nest.hatch`` has it."""
    assert known.request is not None
    ours, theirs = messages.pair()
    between = os.fork() if cgroup_fd < 0 else fork_into(cgroup_fd)
    if not between:
        _be(theirs, known)
    theirs.close()
    linux = known.request.spec.linux
    try:
        said = _hear(ours)
        if "map" in said:
            idmaps.write_maps(between, linux.uid_mappings, linux.gid_mappings)
            messages.send(ours, {"mapped": True})
            said = _hear(ours)
        return int(said["pid"]), ours
    except BaseException:
        ours.close()
        raise
    finally:
        os.waitpid(between, 0)


def _hear(link: Socket) -> dict[str, Any]:
    message, _ = messages.receive(link)
    if message is None:
        raise ToolkitError("the process that makes the user namespace was killed")
    if "error" in message:
        failure = message["error"]
        raise ToolkitError(sentence(failure), hint=failure["hint"])
    return message


def give_stdio(pid: int, process: Process | None, stdio: tuple[int, int, int]) -> None:
    """Let the container's user open its pipes anew, under the id that he has in the host.

    ``pid`` is a process of the user namespace.
    """
    uid = 0 if process is None else process.user.uid
    outside = idmaps.to_host(idmaps.read_maps(pid, "uid_map"), uid)
    if outside is not None:
        identity.own_stdio(outside, stdio)


def _be(link: Socket, known: Hatchling) -> NoReturn:
    steps = Steps()
    try:
        set_pdeathsig(_SIGKILL)
        keep_only(init.kept(link, known))
        identity.default_signals()
        os.umask(0)
        _become(link, known, steps)
    except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
        becoming.report(link, steps, error)
    finally:
        os._exit(_LOST)


def _become(link: Socket, known: Hatchling, steps: Steps) -> None:
    assert known.request is not None
    spec = known.request.spec
    assert spec.process is not None
    steps.enter("process")
    raise_limits(spec.process)
    becoming.privileged(spec.process)
    steps.enter("sources")
    bound = known.request.overlay is None
    trees = open_trees(spec, plan(spec, cgroup_steps(spec)).mounts, bound=bound)
    steps.enter("namespaces")
    joins.join_listed(spec)
    enter_user_namespace(spec, link)
    joins.make_namespaces(joins.new_ones(spec))
    joins.make_time_namespace(spec)
    set_dumpable(on=False)  # before anybody in the container can see the one that is forked now
    waiting, go = os.pipe2(os.O_CLOEXEC)
    pid = fork_sibling()
    if pid:
        messages.send(link, {"pid": pid})
        os._exit(0)
    os.close(go)
    os.read(waiting, 1)  # the end comes when the maker has been told who this is
    os.close(waiting)
    init.run(link, replace(known, trees=trees))


def raise_limits(process: Process) -> None:
    """Raise the hard limits that are to be raised: nobody in a user namespace may."""
    for limit in process.rlimits:
        number = identity.limit_number(limit)
        soft, hard = resource.getrlimit(number)
        wanted = identity.limit_value(limit.hard)
        if hard != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > hard):
            identity.set_limit(limit, soft, wanted)


def enter_user_namespace(spec: Spec, link: Socket) -> None:
    """Join the one that is listed, or make it and have it mapped by who listens on ``link``.

    One that is joined has its maps; podman lists a made-up one beside its path.
    """
    path = joins.wanted(spec)["user"]
    if path:
        joins.join(path, NamespaceFlag.USER)
        return
    unshare(NamespaceFlag.USER)
    messages.send(link, {"map": True})
    if messages.receive(link)[0] is None:
        os._exit(_LOST)
