"""What ``command`` and ``shell`` share: when they run, how, and what they tell."""

import datetime
import fnmatch
import posixpath
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import NotFoundError
from toolkit.core.process import Completed
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan
from toolkit.tasks.system_changes import RunCommand

UNFORESEEN = "_unforeseen"
"""Names of values that check mode cannot know; a play that uses one is told so."""
_TOLD = ("rc", "stdout", "stderr", "stdout_lines", "stderr_lines", "start", "end", "delta")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A program, and the files that say whether it has to run."""

    argv: tuple[str, ...]
    shown: str | list[str]
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    stdin: str = ""
    strip: bool = True
    brief: bool = False
    """Are only status and output told, as ``raw`` and ``script`` do?"""


def run(host: Host, command: Command, change: Change | None = None) -> Plan:
    """Run it if its files ask for it; the values are Ansible's.

    ``change`` is what runs it, where that takes more than a program and its arguments.
    """
    folder = command.chdir
    if folder and host.files.stat(folder) is None and not host.may_appear(folder):
        raise NotFoundError(f"there is no directory '{folder}' on this host")
    done = _unneeded(host, command)
    if done is not None:
        return done
    if change is None:
        cwd = command.chdir or ""
        change = RunCommand(argv=command.argv, stdin=command.stdin, cwd=cwd, ok=())
    began = _now()
    answer = yield change
    if not isinstance(answer, Completed):
        return _foretold(command)
    ended = _now()
    values = _values(answer, command)
    if not command.brief:
        values |= {"start": str(began), "end": str(ended), "delta": str(ended - began)}
    if answer.status != 0:
        said = answer.stderr.strip() or answer.stdout.strip()
        values |= {"failed": True, "msg": "non-zero return code"}
        values["_said"] = said
    return values


def _unneeded(host: Host, command: Command) -> dict[str, Any] | None:
    """The values of a command that its files make needless."""
    base = command.chdir or "/"
    reason = unneeded(host, creates=command.creates, removes=command.removes, base=base)
    if not reason:
        return None
    said = f"skipped, since {reason.replace(chr(39), '')}"
    return {
        "cmd": command.shown,
        "rc": 0,
        "stderr": "",
        "changed": False,
        "stdout": said,
        "msg": f"Did not run command since {reason}",
        "stdout_lines": [said],
        "stderr_lines": [],
    }


def unneeded(host: Host, *, creates: str | None, removes: str | None, base: str = "/") -> str:
    """Why there is nothing to do: a file that would be made or removed is, or is not, there."""
    if creates and _exists(host, posixpath.join(base, creates)):
        return f"'{creates}' exists"
    if removes and not _exists(host, posixpath.join(base, removes)):
        return f"'{removes}' does not exist"
    return ""


def _exists(host: Host, path: str) -> bool:
    """Whether a path, or one that fits its pattern, is there."""
    if not any(sign in path for sign in "*?["):
        return host.files.stat(path) is not None
    folder, pattern = posixpath.split(path)
    if host.files.stat(folder) is None:
        return False
    return any(fnmatch.fnmatchcase(name, pattern) for name in host.files.listdir(folder))


def _foretold(command: Command) -> dict[str, Any]:
    """A command that check mode did not run: what it would say is unknown."""
    values: dict[str, Any] = {
        "cmd": command.shown,
        "msg": "Command would have run if not in check mode",
        UNFORESEEN: list(_TOLD),
    }
    if command.creates is None and command.removes is None:
        values |= {"skipped": True, "changed": False}
    return values


def _values(done: Completed, command: Command) -> dict[str, Any]:
    out, err = done.stdout, done.stderr
    if command.strip:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    told = {
        "rc": done.status,
        "stdout": out,
        "stderr": err,
        "stdout_lines": out.splitlines(),
        "stderr_lines": err.splitlines(),
    }
    return told if command.brief else {"cmd": command.shown, "msg": "", **told}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def typed(text: str | None, *, newline: bool) -> str:
    """What the program reads on stdin."""
    if text is None:
        return ""
    return text if text.endswith("\n") or not newline else f"{text}\n"
