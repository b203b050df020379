"""Containers of this machine, by the embedded runtime; one engine and one launcher an agent.

Every method takes ``settings`` (``data_root``, ``run_root``, ``cgroup_parent``; what is missing
is the default) and, but for ``run`` and ``create``, ``id``: a container's id, its start, or name.
"""

import os
import select
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any

from toolkit.agent.call import Answer, Call
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.record import Record, as_dict, replace
from toolkit.core.suggest import did_you_mean
from toolkit.engine.config import ContainerConfig, from_data, to_data
from toolkit.engine.engine import Engine
from toolkit.engine.model import ExecConfig, Running
from toolkit.engine.settings import Settings
from toolkit.images.store import ImageStore
from toolkit.oci.image import encode_config
from toolkit.runtime.client import Launcher

Stdio = tuple[int, int, int]
_PLACES = ("data_root", "run_root", "cgroup_parent")
_EXEC = ("env", "workdir", "user", "privileged")


def container_run(call: Call) -> Any:
    """``{config, stdin, timeout, binary}`` → ``{status, stdout, stderr}``; nothing is left.

    ``stdin``, ``binary`` and the answer are those of ``run``.
    """
    config = replace(_config(call), auto_remove=True)
    engine, stdin = _engine(call), _stdin(call)
    config = replace(config, interactive=config.interactive or bool(stdin))

    def end(running: Running) -> None:
        engine.remove(running.id, force=True)

    return _to_the_end(call, lambda stdio: engine.run(config, stdio, tied=True), stdin, end)


def container_create(call: Call) -> str:
    """``{config}`` → the id of a container that does not run yet."""
    return _engine(call).create(_config(call))


def container_start(call: Call) -> dict[str, Any]:
    """``{id}`` → what ``inspect`` says; the container runs in the background."""
    engine, name = _engine(call), call.get("id", str)
    engine.start(name).close()
    return _view(engine, name)


def container_exec(call: Call) -> Any:
    """``{id, argv, env, workdir, user, privileged, stdin, timeout, binary}`` → as ``run``."""
    engine, name, stdin = _engine(call), call.get("id", str), _stdin(call)
    wish = {key: call.params[key] for key in _EXEC if key in call.params}
    wish["env"] = tuple(wish.get("env", ()))
    asked = ExecConfig(command=call.argv(), interactive=bool(stdin), **wish)

    def end(running: Running) -> None:
        running.signal(9)
        running.wait()

    return _to_the_end(call, lambda stdio: engine.exec(name, asked, stdio), stdin, end)


def container_kill(call: Call) -> None:
    """``{id, signal}``; a signal's number, SIGKILL if none is given."""
    _engine(call).kill(call.get("id", str), call.get("signal", int, 9))


def container_stop(call: Call) -> None:
    """``{id, timeout}``: ask it to end, kill it after ``timeout`` seconds."""
    _engine(call).stop(call.get("id", str), _timeout(call))


def container_wait(call: Call) -> int:
    """``{id}`` → its exit status, once it is over."""
    return _engine(call).wait(call.get("id", str))


def container_remove(call: Call) -> str:
    """``{id, force}`` → the id of what was removed."""
    return _engine(call).remove(call.get("id", str), force=call.get("force", bool, False))


def container_inspect(call: Call) -> dict[str, Any]:
    """``{id}`` → ``toolkit.engine.model.View`` as data; ``config`` says what is no default."""
    return _view(_engine(call), call.get("id", str))


def container_list(call: Call) -> list[dict[str, Any]]:
    """``{all}`` → the views of running containers, or of all."""
    engine = _engine(call)
    return [_view(engine, view.id) for view in engine.list(all=call.get("all", bool, False))]


def _view(engine: Engine, name: str) -> dict[str, Any]:
    view = engine.inspect(name)
    says = encode_config(view.says)
    return {**_plain(view), "config": to_data(view.config), "says": says}


def _plain(value: Any) -> Any:
    """Values within values, as JSON knows them."""
    if isinstance(value, Record):
        return {name: _plain(one) for name, one in as_dict(value).items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _config(call: Call) -> ContainerConfig:
    return from_data(call.get("config", dict), at="config")


def _engine(call: Call) -> Engine:
    settings = call.get("settings", dict, {})
    for name, value in settings.items():
        if name not in _PLACES:
            hint = did_you_mean(name, _PLACES)
            raise InvalidInputError(f"{call.method}: settings.{name}: unknown key", hint=hint)
        if not isinstance(value, str):
            raise InvalidInputError(f"{call.method}: settings.{name}: expected text, not {value!r}")
    return _engine_of(Settings(**settings))


@cache
def _engine_of(settings: Settings) -> Engine:
    """Kept for the agent's life: a launcher is warm after its first container."""
    return Engine(settings, Launcher.spawn, ImageStore(settings.data_root).resolve)


def _stdin(call: Call) -> bytes:
    return call.body or call.get("stdin", str, "").encode()


def _timeout(call: Call) -> float | None:
    timeout = call.params.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise InvalidInputError(f"{call.method}: 'timeout': expected seconds, not {timeout!r}")
    return timeout


def _to_the_end(
    call: Call,
    start: Callable[[Stdio], Running],
    stdin: bytes,
    end: Callable[[Running], object],
) -> Any:
    """Start a process, wait for it and keep what it printed; ``end`` it if the wait is cut off."""
    timeout = _timeout(call)
    with ExitStack() as undo:
        stdio = _files(undo, stdin)
        running = undo.enter_context(start(stdio))
        try:
            if not _ends_within(running, timeout):
                raise ToolkitError(
                    f"container '{running.id[:12]}' did not end within {timeout:g} s"
                )
            status = running.wait()
        except BaseException:
            end(running)
            raise
        out, err = (_content(fd) for fd in stdio[1:])
    if call.get("binary", bool, False):
        return Answer(result={"status": status, "stdout_size": len(out)}, body=out + err)
    return {
        "status": status,
        "stdout": out.decode(errors="replace"),
        "stderr": err.decode(errors="replace"),
    }


def _files(undo: ExitStack, stdin: bytes) -> Stdio:
    """Files in memory for the three streams: no thread has to read while the process runs."""
    made = []
    for name in ("stdin", "stdout", "stderr"):
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        undo.callback(os.close, fd)
        made.append(fd)
    with open(made[0], "wb", closefd=False) as file:
        file.write(stdin)
    os.lseek(made[0], 0, os.SEEK_SET)
    return made[0], made[1], made[2]


def _content(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _ends_within(running: Running, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(running, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
