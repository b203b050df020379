"""Tasks that run on after their play has gone on: ``async`` and ``poll``.

A job is a process in a session of its own; its result is a JSON file in a private folder.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from toolkit.core.errors import NotFoundError, ToolkitError

POLL_SECONDS = 10.0
START_SECONDS = 5.0


def folder() -> str:
    """Where results are kept, as Ansible does."""
    return os.path.expanduser("~/.ansible_async")


def path_of(job: str) -> str:
    """The file of a job; a name that could leave the folder is refused."""
    if not job or "/" in job or job.startswith("."):
        raise NotFoundError(f"there is no job '{job}'")
    return os.path.join(folder(), job)


def start(work: Callable[[], dict[str, Any]], limit: float) -> str:
    """Run ``work`` in a process of its own, which is ended after ``limit`` seconds."""
    os.makedirs(folder(), mode=0o700, exist_ok=True)
    job = f"j{time.time_ns() // 1_000_000}.{os.getpid()}"
    _store(job, {"started": True, "finished": False, "ansible_job_id": job})
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        return job
    # Two forks: the job is nobody's child that somebody would have to wait for.
    if os.fork():
        os._exit(0)
    _run(work, job, limit)
    os._exit(0)


def _run(work: Callable[[], dict[str, Any]], job: str, limit: float) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, 1024)  # the stream to the controller must end when the agent does
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.alarm(int(limit) + 1)
    try:
        found = work()
    except (ToolkitError, OSError) as error:
        found = {"failed": True, "changed": False, "msg": str(error)}
    _store(job, {"started": True, "finished": True, "ansible_job_id": job, **found})


def _store(job: str, values: dict[str, Any]) -> None:
    path = path_of(job)
    with open(f"{path}.new", "w", encoding="utf-8", opener=_private) as file:
        json.dump(values, file, default=str)
    os.replace(f"{path}.new", path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def status(job: str) -> dict[str, Any]:
    """What is known about a job; ``finished`` is true when it has ended."""
    try:
        with open(path_of(job), encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        raise NotFoundError(f"could not find job '{job}'") from None
    return found


def clean(job: str) -> None:
    """Forget a job's result."""
    path = path_of(job)
    if os.path.exists(path):
        os.unlink(path)


def wait(job: str, limit: float, poll: float) -> dict[str, Any]:
    """The result of a job when it has ended; it is looked for every ``poll`` seconds."""
    deadline = time.monotonic() + limit
    pause = 0.05
    while True:
        found = status(job)
        if found.get("finished"):
            clean(job)
            return found
        if time.monotonic() > deadline:
            raise ToolkitError(
                f"async task did not complete within the requested time - {limit:g}s"
            )
        time.sleep(min(pause, poll))
        pause *= 2
