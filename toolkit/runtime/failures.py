"""Failures before exec as data: told by the init, carried by the shim, raised by the client."""

from __future__ import annotations

import errno
import os

from toolkit.core.errors import ToolkitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DIED_EARLY: dict[str, Any] = {
    "stage": "start",
    "text": "the process ended before its program ran",
    "hint": "was it killed, or out of memory? see the kernel's log",
    "errno": 0,
    "path": "",
    "status": 125,
}
"""For a process that said nothing."""

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_FAILED = 125

# What exec's errors mean to a shell; sh(1) and docker agree on the two numbers.
_EXEC_STATUS = {errno.ENOENT: _NOT_FOUND, errno.ENOTDIR: _NOT_FOUND}

_HINTS = {
    ("exec", errno.ENOENT): "is it in the image, and its interpreter too?",
    ("exec", errno.ENOEXEC): "it is no program for this machine, or a script without '#!'",
    ("namespaces", errno.EPERM): "making namespaces needs CAP_SYS_ADMIN",
    ("namespaces", errno.ENOSPC): "the limit of namespaces is reached: see /proc/sys/user",
    ("root", errno.ENODEV): "this kernel has no overlay file system: modprobe overlay",
    ("mounts", errno.EPERM): "an outer container masks a part of this file system",
    ("process", errno.EACCES): "lowering the OOM score needs CAP_SYS_RESOURCE on the host",
}


def describe(error: BaseException, stage: str) -> dict[str, Any]:
    """A failure as plain data: ``stage text errno path hint status``."""
    if isinstance(error, ToolkitError):
        return {
            "stage": stage,
            "text": error.message,
            "hint": error.hint,
            "errno": 0,
            "path": "",
            "status": _FAILED,
        }
    if isinstance(error, OSError):
        code = error.errno or 0
        path = error.filename
        return {
            "stage": stage,
            "text": error.strerror or str(error),
            "hint": _HINTS.get((stage, code), ""),
            "errno": code,
            "path": "" if path is None else os.fsdecode(path) if _is_path(path) else str(path),
            "status": _EXEC_STATUS.get(code, _NOT_EXECUTABLE) if stage == "exec" else _FAILED,
        }
    return {
        "stage": stage,
        "text": f"{type(error).__name__}: {error}",
        "hint": "",
        "errno": 0,
        "path": "",
        "status": _FAILED,
    }


def _is_path(value: object) -> bool:
    return isinstance(value, str | bytes)


def sentence(failure: dict[str, Any]) -> str:
    """``mount: Permission denied: '/proc'``."""
    text, path = failure["text"], failure["path"]
    return f"{text}: '{path}'" if path else str(text)
