"""Runs on a host before the agent, sent as text: finds or unpacks its code, then becomes it.

It stands alone: nothing of ``toolkit`` is there yet. It says one line of JSON behind a mark, so
that what a login script prints before it does no harm, and again after it unpacked something.
Arguments: the digest of the bundle and the cache directory (empty: the usual one). The code is
kept unpacked and compiled in ``<cache>/<digest>`` and trusted only if nobody else could write it.
"""
# ruff: noqa: PLC0415 - a host that has kept the code never pays for what unpacks it

import errno
import json
import os
import stat
import sys

MARK = "DOCKYARD-AGENT 1 "
MANIFEST = ".manifest"
VERIFIED = ".verified"
UNUSED_SECONDS = 7 * 24 * 3600


class RefusedError(Exception):
    """The host cannot keep or run the agent: a message and a hint."""


def say(**values: object) -> None:
    """One line to the controller."""
    values["python"] = ".".join(str(part) for part in sys.version_info[:3])
    line = (MARK + json.dumps(values) + "\n").encode()
    while line:
        line = line[os.write(1, line) :]


def boot_id() -> str:
    """Changes with every boot: a crash may have torn files that were whole before."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def fault_of(path: str) -> str:
    """Why a directory cannot be trusted: ``""`` if only we and root can change what is in it."""
    while True:
        about = os.lstat(path)
        if not stat.S_ISDIR(about.st_mode):
            return f"'{path}' is not a directory"
        if about.st_uid not in (0, os.geteuid()):
            return f"'{path}' belongs to user {about.st_uid}"
        if about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX:
            return f"'{path}' can be written by others"
        if path == "/":
            return ""
        path = os.path.dirname(path)


def manifest_of(directory: str) -> str:
    """Digest and path of every file, sorted; what ``MANIFEST`` holds for an unpacked bundle."""
    import hashlib

    lines = []
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if name not in (MANIFEST, VERIFIED):
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                lines.append(f"{digest}  {os.path.relpath(path, directory)}\n")
    return "".join(sorted(lines))


def is_whole(directory: str) -> bool:
    """Whether an unpacked bundle is there, ours, private and, once a boot, unchanged."""
    try:
        about = os.lstat(directory)
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) != 0o700:
            return False
        if not stat.S_ISDIR(about.st_mode):
            return False
        verified = os.path.join(directory, VERIFIED)
        with open(verified) as file:
            if boot_id() and file.read() == boot_id():
                return True
        with open(os.path.join(directory, MANIFEST)) as file:
            if file.read() != manifest_of(directory):
                return False
        write(verified, boot_id())
    except OSError:
        return False
    return True


def write(path: str, text: str) -> None:
    """Replace a small file."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def receive(digest: str) -> bytes:
    """The bundle from stdin: its size as a line, then its bytes, checked against the digest."""
    import hashlib

    size = b""
    while not size.endswith(b"\n"):
        part = os.read(0, 1)
        if not part:
            raise RefusedError("the bundle did not arrive", "")
        size += part
    parts, left = [], int(size)
    while left:
        part = os.read(0, min(left, 1 << 20))
        if not part:
            raise RefusedError("the bundle did not arrive whole", "")
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    if hashlib.sha256(data).hexdigest() != digest:
        raise RefusedError("the bundle was changed on its way", "")
    return data


def unpack(data: bytes, directory: str) -> None:
    """Unpack and compile beside ``directory``, then rename; a second one at once does no harm."""
    import compileall
    import io
    import py_compile
    import shutil
    import tempfile
    import zipfile

    base, name = os.path.split(directory)
    temporary = tempfile.mkdtemp(prefix=f".{name[:12]}.", dir=base)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            bundle.extractall(temporary)
        compileall.compile_dir(
            temporary,
            quiet=2,
            stripdir=temporary,
            prependdir=directory,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        write(os.path.join(temporary, MANIFEST), manifest_of(temporary))
        write(os.path.join(temporary, VERIFIED), boot_id())
        settle(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    forget_old(base, name)


def settle(temporary: str, directory: str) -> None:
    """Give the directory its name; one that is not whole makes room, a whole one stays."""
    import shutil

    for _ in range(5):
        try:
            os.rename(temporary, directory)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        else:
            return
        if is_whole(directory):
            return
        os.rename(directory, temporary + ".old")
        shutil.rmtree(temporary + ".old", ignore_errors=True)
    raise RefusedError(f"'{directory}' cannot be replaced", "remove it")


def forget_old(base: str, name: str) -> None:
    """Remove what was not used for a week; controllers of several versions may be about."""
    import shutil
    import time

    for entry in os.scandir(base):
        unused = time.time() - entry.stat(follow_symlinks=False).st_mtime
        if entry.name != name and len(entry.name) == len(name) and unused > UNUSED_SECONDS:
            shutil.rmtree(entry.path, ignore_errors=True)


def prepare(digest: str, base: str) -> str:
    """The directory with the agent's code."""
    directory = os.path.join(base, digest)
    try:
        os.makedirs(base, mode=0o755, exist_ok=True)
        fault = fault_of(base)
        if fault:
            raise RefusedError(
                "the agent's code cannot be trusted: " + fault, "give it to root, 0755"
            )
        have = is_whole(directory)
        say(have=have)
        if not have:
            unpack(receive(digest), directory)
            say(have=True)
        os.utime(directory)
    except OSError as error:
        said = f"cannot keep the agent's code in '{base}': {error.strerror or error}"
        raise RefusedError(said, "make room there, or name another directory") from error
    return directory


def start() -> None:
    """Prepare the code and serve."""
    digest, base = sys.argv[1:3]
    if not base:
        base = "/var/cache/dockyard" if os.geteuid() == 0 else ""
        base = base or os.path.join(os.path.expanduser("~"), ".cache", "dockyard")
    try:
        directory = prepare(digest, os.path.realpath(base))
    except RefusedError as refused:
        say(error=refused.args[0], hint=refused.args[1])
        sys.exit(1)
    sys.path.insert(0, directory)
    import importlib

    importlib.import_module("toolkit.agent.serve").main()
