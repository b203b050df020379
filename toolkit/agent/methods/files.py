"""Files of the host, whole and by path."""

import os
import shutil
import stat as modes
import tempfile
from typing import Any

from toolkit.agent.call import Answer, Call
from toolkit.core.errors import NotFoundError
from toolkit.core.files import write_atomic


def read(call: Call) -> Answer:
    """``{path}`` → ``{mode, uid, gid}`` and the content as body."""
    path = call.get("path", str)
    try:
        with open(path, "rb") as file:
            about = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        raise NotFoundError(f"no such file: '{path}'") from None
    result = {"mode": modes.S_IMODE(about.st_mode), "uid": about.st_uid, "gid": about.st_gid}
    return Answer(result=result, body=content)


def write(call: Call) -> None:
    """``{path, mode}`` and the content as body; readers see the old file or the new one."""
    path = call.get("path", str)
    try:
        write_atomic(path, call.body, mode=call.get("mode", int, 0o644))
    except FileNotFoundError:
        raise NotFoundError(f"no such directory: '{os.path.dirname(path)}'") from None


def remove(call: Call) -> bool:
    """``{path}``: a file, a link or a whole directory; whether there was one."""
    path = call.get("path", str)
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return False
    if modes.S_ISDIR(about.st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    return True


def mktemp(call: Call) -> str:
    """``{directory, suffix}``: the path of a new empty file or directory that only we can read."""
    suffix = call.get("suffix", str, "")
    if call.get("directory", bool, False):
        return tempfile.mkdtemp(prefix="dockyard-", suffix=suffix)
    fd, path = tempfile.mkstemp(prefix="dockyard-", suffix=suffix)
    os.close(fd)
    return path


def stat(call: Call) -> dict[str, Any] | None:
    """``{path, follow}`` → what stat(2) says, ``None`` where there is nothing."""
    path = call.get("path", str)
    try:
        about = os.stat(path, follow_symlinks=call.get("follow", bool, True))
    except FileNotFoundError:
        return None
    return {
        "kind": modes.filemode(about.st_mode)[0],
        "mode": modes.S_IMODE(about.st_mode),
        "uid": about.st_uid,
        "gid": about.st_gid,
        "size": about.st_size,
        "device": about.st_dev,
        "inode": about.st_ino,
        "rdev": about.st_rdev,
        "links": about.st_nlink,
        "mtime_ns": about.st_mtime_ns,
    }


def readlink(call: Call) -> str:
    """``{path}`` → where a link points to, as it is (``/proc/PID/ns/*`` too)."""
    path = call.get("path", str)
    try:
        return os.readlink(path)
    except FileNotFoundError:
        raise NotFoundError(f"no such link: '{path}'") from None


def listdir(call: Call) -> list[str]:
    """``{path}`` → the names in a directory, sorted."""
    path = call.get("path", str)
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        raise NotFoundError(f"no such directory: '{path}'") from None
