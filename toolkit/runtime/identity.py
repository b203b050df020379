"""Who the container's process is: limits, user, capabilities, and the exec itself.

The order matters. The bounding set is dropped while CAP_SETPCAP is still there; limits are raised
before CAP_SYS_RESOURCE goes; a filter without ``no_new_privs`` needs CAP_SYS_ADMIN, so it is loaded
before the user changes; with it, last.
"""

from __future__ import annotations

import errno
import os
import resource
import stat

from toolkit.core.errors import ToolkitError, UnsupportedError
from toolkit.core.record import record
from toolkit.linux import capabilities as caps
from toolkit.linux.process import (
    CapabilitySets,
    CloseRangeFlag,
    cap_ambient_clear,
    cap_ambient_raise,
    cap_bset_drop,
    capset,
    close_range,
    ioprio_set,
    set_dumpable,
    set_keepcaps,
    set_no_new_privs,
    set_pdeathsig,
)
from toolkit.linux.seccomp import SeccompFlag, load
from toolkit.linux.signals import forget_wake, signal
from toolkit.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from toolkit.oci.spec import Capabilities, Process, Rlimit
    from toolkit.runtime.messages import Socket

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNLIMITED = 2**64 - 1
_IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
_SIGNALS = range(1, 32)
_MOST_CAPABILITIES = 64
_ANY_EXECUTE = 0o111
# podman tells a missing program from other failures by these words.
_NOWHERE = "exec: executable file not found in $PATH"


@record
class Masks:
    """The five capability sets as masks."""

    bounding: int = 0
    effective: int = 0
    inheritable: int = 0
    permitted: int = 0
    ambient: int = 0


@record
class Filter:
    """A system call filter, seccomp(2)'s ``flags`` for it, and who hears of calls it asks about.

    ``listener`` is a connected socket, ``told`` what goes there beside the filter's descriptor.
    """

    program: bytes = b""
    flags: int = 0
    listener: Socket | None = None
    told: bytes = b""


def masks(capabilities: Capabilities | None) -> Masks:
    """The masks of the sets; names that nobody knows are skipped, as the specification says."""
    if capabilities is None:
        return Masks()
    return Masks(
        bounding=_mask(capabilities.bounding),
        effective=_mask(capabilities.effective),
        inheritable=_mask(capabilities.inheritable),
        permitted=_mask(capabilities.permitted),
        ambient=_mask(capabilities.ambient),
    )


def _mask(names: tuple[str, ...]) -> int:
    return sum({1 << caps.NUMBERS[name] for name in names if name in caps.NUMBERS})


def set_limits(limits: tuple[Rlimit, ...]) -> None:
    """Set the resource limits by name; a limit that may not be raised is an error."""
    for limit in limits:
        set_limit(limit, limit_value(limit.soft), limit_value(limit.hard))


def set_limit(limit: Rlimit, soft: int, hard: int) -> None:
    """Set the one that ``limit`` names."""
    try:
        resource.setrlimit(limit_number(limit), (soft, hard))
    except (ValueError, OSError) as error:
        raise ToolkitError(
            f"setrlimit {limit.type} to {limit.soft}:{limit.hard}: {error}",
            hint="raising a hard limit needs CAP_SYS_RESOURCE on the host",
        ) from None


def limit_number(limit: Rlimit) -> int:
    """The kernel's number of a limit."""
    number = getattr(resource, limit.type, None)
    if not isinstance(number, int):
        raise UnsupportedError(f"unknown resource limit '{limit.type}'")
    return number


def limit_value(value: int) -> int:
    """The value as setrlimit(2) takes it."""
    return resource.RLIM_INFINITY if value >= _UNLIMITED or value < 0 else value


def set_oom_score(value: int) -> None:
    """``oom_score_adj``; needs the host's ``/proc``, so before the root changes."""
    _write("/proc/self/oom_score_adj", str(value))


def set_io_priority(process: Process) -> None:
    """The I/O class and level, where asked for."""
    wanted = process.io_priority
    if wanted is None:
        return
    if wanted.class_ not in _IO_CLASSES:
        raise UnsupportedError(f"unknown I/O class '{wanted.class_}'")
    ioprio_set(_IO_CLASSES[wanted.class_], wanted.priority)


def assume(process: Process, wanted_filter: Filter) -> None:
    """Become the user with exactly the capabilities asked for, under the filter."""
    wanted = masks(process.capabilities)
    if process.no_new_privileges:
        set_no_new_privs()
    else:
        _install(wanted_filter)
    _drop_bounding(wanted.bounding)
    user = process.user
    if user.uid:
        set_keepcaps(on=True)  # the permitted set must outlive setuid, to be cut down exactly
    os.setgroups(list(user.additional_gids))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    if user.uid:
        set_keepcaps(on=False)
    os.umask(0o022 if user.umask is None else user.umask)
    _set_capabilities(wanted)
    set_pdeathsig(0)
    if process.no_new_privileges:
        _install(wanted_filter)


def _install(wanted: Filter) -> None:
    if not wanted.program:
        return
    if wanted.listener is None:
        load(wanted.program, flags=wanted.flags)
        return
    fd = load(wanted.program, flags=wanted.flags | SeccompFlag.NEW_LISTENER)
    messages.send_descriptor(wanted.listener, wanted.told, fd)
    os.close(fd)


def _drop_bounding(wanted: int) -> None:
    """Drop all others, up to the last one that the kernel knows (it answers EINVAL after that)."""
    for number in range(_MOST_CAPABILITIES):
        if wanted >> number & 1:
            continue
        try:
            cap_bset_drop(number)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return


def _set_capabilities(wanted: Masks) -> None:
    sets = CapabilitySets(
        effective=wanted.effective, permitted=wanted.permitted, inheritable=wanted.inheritable
    )
    try:
        capset(sets)
    except PermissionError:
        raise ToolkitError(
            "capset: the container asks for capabilities that this process does not have",
            hint="dockyard itself runs with a smaller set; ask for less or give it more",
        ) from None
    cap_ambient_clear()
    # Of what is not both permitted and inheritable the kernel makes nothing ambient; runc's own
    # `spec` asks for it.
    ambient = wanted.ambient & wanted.permitted & wanted.inheritable
    for number in range(len(caps.NAMES)):
        if ambient >> number & 1:
            cap_ambient_raise(number)


def enter_directory(path: str) -> None:
    """Make ``path`` the working directory and verify that it lies below the root.

    A descriptor of the host that leaked would make ``/proc/self/fd/N`` a way out (CVE-2024-21626):
    then the kernel cannot name the working directory.
    """
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fchdir(fd)
    os.close(fd)
    try:
        inside = os.getcwd().startswith("/")
    except FileNotFoundError:
        inside = False
    if not inside:
        os.chdir("/")
        raise ToolkitError(f"the working directory '{path}' lies outside the container's root")


def own_stdio(uid: int, fds: tuple[int, ...] = (0, 1, 2)) -> None:
    """Give the user the pipes or terminal that are its stdio, so that it can reopen them.

    In a user namespace the owner of a pipe of the host's can be nobody of ours; the maker has
    given those to the user's host id.
    """
    for fd in fds:
        status = os.fstat(fd)
        if (stat.S_ISFIFO(status.st_mode) or os.isatty(fd)) and status.st_uid != uid:
            try:
                os.fchown(fd, uid, -1)
            except PermissionError:
                continue


def own_namespace() -> None:
    """Be root of the user namespace that this process is in; what the change resets is renewed."""
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    set_dumpable(on=False)
    set_pdeathsig(signal.SIGKILL)


def default_signals() -> None:
    """Undo what Python and the launcher did to signals; an exec would keep the ignored ones."""
    forget_wake()
    for number in _SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def close_others(first: int = 3) -> None:
    """Nothing but stdio, and what the caller preserves below ``first``, outlives the exec."""
    close_range(first, flags=CloseRangeFlag.CLOEXEC)


def locate(process: Process) -> None:
    """Raise what ``execute`` would where the program is missing or no executable file."""
    name = process.args[0]
    if "/" in name:
        _check_executable(os.path.join(process.cwd, name))
        return None
    denied: OSError | None = None
    for folder in _search(process):
        try:
            return _check_executable(os.path.join(process.cwd, folder, name))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            denied = error
    raise denied or FileNotFoundError(errno.ENOENT, _NOWHERE, name)


def _check_executable(path: str) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        raise OSError(error.errno, f"exec: {os.strerror(error.errno or 0)}", path) from None
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & _ANY_EXECUTE:
        raise PermissionError(errno.EACCES, f"exec: {os.strerror(errno.EACCES)}", path)


def _search(process: Process) -> list[str]:
    env = dict(entry.split("=", 1) for entry in process.env)
    return [folder or "." for folder in env.get("PATH", DEFAULT_PATH).split(":")]


def execute(process: Process) -> NoReturn:
    """Become the program; raises ``OSError`` with the name that was asked for."""
    env = dict(entry.split("=", 1) for entry in process.env)
    name = process.args[0]
    if "/" in name:
        _try(name, process.args, env)
    denied: OSError | None = None
    for folder in _search(process):
        try:
            _try(f"{folder}/{name}", process.args, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            denied = error
    raise denied or FileNotFoundError(errno.ENOENT, _NOWHERE, name)


def _try(path: str, args: tuple[str, ...], env: dict[str, str]) -> NoReturn:
    try:
        os.execve(path, args, env)  # noqa: S606 - there is no shell, and none is wanted
    except OSError as error:
        raise OSError(error.errno, f"exec: {os.strerror(error.errno or 0)}", path) from None


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"write: {os.strerror(error.errno or 0)}", path) from None
    finally:
        os.close(fd)
