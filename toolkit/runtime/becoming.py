"""What the first process of a container and one that joins it have in common: the way to the end.

Both become private, take over limits, and end with stdio, directory, identity and exec. Whoever is
here has the container's files where the host's were, or soon will: what is imported late is
imported before that.
"""

from __future__ import annotations

import errno
import os

from toolkit.core.record import record
from toolkit.linux.process import join_session_keyring, set_dumpable, set_pdeathsig
from toolkit.linux.signals import signal
from toolkit.runtime import identity, messages
from toolkit.runtime.descriptors import keep_only
from toolkit.runtime.failures import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from toolkit.oci.spec import Process
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.root import Root
    from toolkit.runtime.steps import Steps

_FAILED = 125
_STDIO = 3


@record
class Last:
    """What is left to become: ``own`` gives the user its stdio; ``preserve``: see ``Hatchling``.

    ``reaper`` makes this process stay, and its child become the program.
    ``extras`` is what ``prepare`` has left to do.
    """

    process: Process
    stdio: tuple[int, int, int]
    filter: identity.Filter
    link: Socket
    own: bool
    steps: Steps
    preserve: int = 0
    extras: Callable[[], None]
    reaper: Callable[[], None] | None = None


def report(link: Socket, steps: Steps, error: BaseException) -> None:
    """Tell the shim why the program will not run."""
    try:
        messages.send(link, {"error": describe(error, steps.now)})
    except OSError:
        os._exit(_FAILED)  # the shim is gone: nobody is left to tell


def beside_filter(
    told: dict[str, Any], profile: Mapping[str, Any] | None, state: Mapping[str, Any]
) -> list[int]:
    """Add to what an init is told of its filter: flags, and the listener among the descriptors."""
    if not profile or not (profile.get("flags") or profile.get("listenerPath")):
        return []
    from toolkit.runtime.listening import extend  # noqa: PLC0415 - few filters have either

    return extend(told, profile, state)


def read_filter(told: dict[str, Any], fds: list[int]) -> identity.Filter:
    """The filter that a maker tells of: its program and, with a listener, its state and socket."""
    program, flags = bytes.fromhex(told["filter"]), int(told.get("flags", 0))
    if not fds:
        return identity.Filter(program=program, flags=flags)
    state = {**told["state"], "pid": int(os.readlink("/proc/self"))}
    return identity.Filter(
        program=program,
        flags=flags,
        listener=messages.from_fd(fds[0]),
        told=messages.encode({**told["listener"], "pid": state["pid"], "state": state}).encode(),
    )


def become_private(fds: tuple[int, ...]) -> None:
    """Close everything else and let nobody look in; ends with the shim until exec."""
    set_dumpable(on=False)
    set_pdeathsig(signal.SIGKILL)
    keep_only(fds)
    identity.default_signals()
    os.umask(0)


def wait_for(link: Socket, word: str) -> dict[str, Any]:
    """The shim's next message, which has ``word``; ends this process where the shim is gone."""
    message, _ = messages.receive(link)
    if message is None or word not in message:
        os._exit(_FAILED)
    return message


def prepare(
    process: Process,
    personality: Mapping[str, object] | None,
    *,
    keyring: bool = True,
    host: bool = True,
) -> Callable[[], None]:
    """Limits, a new session keyring and, where it has not been done, what needs the ``host``.

    Returns what is left to do when the process gives its rights up.
    """
    if host:
        privileged(process)
    identity.set_limits(process.rlimits)
    if keyring:
        _leave_session_keyring()
    labelled = process.apparmor_profile or process.selinux_label
    if not labelled and personality is None:
        return lambda: None
    from toolkit.runtime import extras  # noqa: PLC0415 - few ask for one

    return extras.prepare(process, personality)


def privileged(process: Process) -> None:
    """What needs the host's ``/proc`` or its privileges."""
    if process.oom_score_adj is not None:
        identity.set_oom_score(process.oom_score_adj)
    identity.set_io_priority(process)
    if process.scheduler is not None:
        from toolkit.runtime import extras  # noqa: PLC0415 - few ask for one

        extras.schedule(process)


def _leave_session_keyring() -> None:
    """A session keyring of its own, so that it has no key of the host.

    Where the kernel has no keys, or an outer filter forbids to call for them, the container cannot
    reach any either.
    """
    try:
        join_session_keyring()
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise


def finish(last: Last) -> NoReturn:
    """The last steps, for init and exec alike: stdio, directory, identity, exec."""
    process, steps = last.process, last.steps
    steps.enter("stdio")
    for number, fd in enumerate(last.stdio):
        os.dup2(fd, number)
    if last.own:
        identity.own_stdio(process.user.uid)
    identity.close_others(_STDIO + last.preserve)
    steps.enter("identity")
    identity.enter_directory(process.cwd)
    messages.send(last.link, {"final": True})  # a filter may forbid it from here on
    last.extras()
    identity.assume(process, last.filter)
    if last.reaper:
        last.reaper()
    steps.enter("exec")
    identity.execute(process)


def open_terminal(link: Socket, root: Root, process: Process) -> int:
    """A controlling terminal, whose master goes to the shim; the slave."""
    # A launcher has it imported; who makes one container without a terminal does without.
    from toolkit.runtime import terminal  # noqa: PLC0415 - as said

    master, slave = terminal.open_pair(root)
    terminal.set_console_size(slave, process.console_size)
    terminal.control(slave)
    messages.send(link, {"terminal": True}, (master,))
    os.close(master)
    return slave
