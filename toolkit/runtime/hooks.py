"""Hooks: programs that a specification runs at moments of a container's life (config.md "Hooks").

Where they run is the caller's choice: in the runtime's namespaces or, by the init, in the
container's. Each gets the container's state on stdin and nothing else of this process: no
descriptor, and no variable that the specification does not name.
"""

from __future__ import annotations

import os
import select

from toolkit.core.errors import ToolkitError
from toolkit.linux.process import pidfd_open
from toolkit.linux.signals import signal
from toolkit.runtime import identity, messages
from toolkit.runtime.descriptors import keep_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from toolkit.oci.spec import Hook, Hooks, Spec
    from toolkit.runtime.request import StartRequest
    from toolkit.runtime.states import State

KINDS = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
_FIELDS = {
    "prestart": "prestart",
    "createRuntime": "create_runtime",
    "createContainer": "create_container",
    "startContainer": "start_container",
    "poststart": "poststart",
    "poststop": "poststop",
}
_NOT_RUN = 127
_SAID = 4096  # bytes of a hook's last words that are looked at


def of(spec: Spec, kind: str) -> tuple[Hook, ...]:
    """The hooks of one kind, in their order."""
    hooks: Hooks | None = spec.hooks
    found: tuple[Hook, ...] = () if hooks is None else getattr(hooks, _FIELDS[kind])
    return found


def told(request: StartRequest, state: State) -> dict[str, Any]:
    """The state as runtime.md "State" has it, and as hooks get it."""
    shown: dict[str, Any] = {
        "ociVersion": request.spec.oci_version,
        "id": state.id,
        "status": state.status,
        "bundle": request.bundle,
    }
    if state.pid:
        shown["pid"] = state.pid
    if request.spec.annotations:
        shown["annotations"] = dict(request.spec.annotations)
    return shown


def of_init(spec: Spec) -> bool:
    """Whether there are hooks before the program runs, which an init runs or waits for."""
    return any(of(spec, kind) for kind in KINDS[:4])


def run(
    spec: Spec,
    kind: str,
    state: Mapping[str, Any],
    *,
    become: Callable[[], None] = lambda: None,
) -> None:
    """Run the hooks of a kind; the first that fails is a ``ToolkitError`` and the last to run.

    ``become`` is called in the hook's process before it runs, to give rights up.
    """
    for index, hook in enumerate(of(spec, kind)):
        _run(hook, f"hooks.{kind}[{index}]", state, become)


def run_all(
    spec: Spec, kind: str, state: Mapping[str, Any], warn: Callable[[ToolkitError], None]
) -> None:
    """Run every hook of a kind whatever happens; ``warn`` hears of those that fail."""
    for index, hook in enumerate(of(spec, kind)):
        try:
            _run(hook, f"hooks.{kind}[{index}]", state, lambda: None)
        except ToolkitError as error:
            warn(error)


def _run(hook: Hook, place: str, state: Mapping[str, Any], become: Callable[[], None]) -> None:
    told = _memory("state", messages.encode(dict(state)).encode())
    said = _memory("said", b"")
    try:
        pid = os.fork()
        if not pid:
            _become(hook, told, said, become)
        fault = _wait(pid, hook.timeout)
        if fault:
            words = _last_words(said)
            raise ToolkitError(f"{place}: '{hook.path}' {fault}{f': {words}' if words else ''}")
    finally:
        os.close(told)
        os.close(said)


def _memory(name: str, data: bytes) -> int:
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _become(hook: Hook, told: int, said: int, become: Callable[[], None]) -> NoReturn:
    """The child: stdin is the state, stdout and stderr are kept for the report of a failure."""
    try:
        os.setpgid(0, 0)  # so that a hook out of time ends with all that it started
        identity.default_signals()
        for number, fd in enumerate((told, said, said)):
            os.dup2(fd, number)
        keep_only(())
        become()
        env = dict(entry.split("=", 1) for entry in hook.env)
        os.execve(hook.path, hook.args or (hook.path,), env)  # noqa: S606 - no shell is wanted
    except (OSError, ToolkitError) as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(_NOT_RUN)


def _wait(pid: int, timeout: int | None) -> str:
    """What went wrong, ``""`` for nothing; ``timeout`` in seconds."""
    pidfd = pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        in_time = bool(poll.poll(None if timeout is None else timeout * 1000))
        if not in_time:
            _end_group(pid)
    finally:
        os.close(pidfd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not in_time:
        return f"did not end within {timeout} s"
    if status < 0:
        return f"was killed by signal {-status}"
    return f"ended with status {status}" if status else ""


def _end_group(pid: int) -> None:
    for end, target in ((os.killpg, pid), (os.kill, pid)):
        try:
            end(target, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _last_words(fd: int) -> str:
    """The last line that the hook printed."""
    size = os.fstat(fd).st_size
    text = os.pread(fd, _SAID, max(0, size - _SAID)).decode(errors="replace").strip()
    return text.splitlines()[-1] if text else ""
