"""System call filters as programs for the kernel; the only home of ``pyseccomp`` (libseccomp).

A call that is newer than all that libseccomp knows gets ENOSYS, not the filter's default errno:
libc then falls back to an older one, where EPERM would be taken for a refusal.
"""

import binascii
import errno
import json
import os
import stat
import sys

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.files import write_atomic
from toolkit.runtime.seccomp_rules import (
    DEFAULT_FILE,
    ENOSYS,
    ERRNO,
    Answer,
    Rule,
    Rules,
    default_rules,
    rules_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

_KNOWN: dict[str, bytes] = {}  # compiled before, by _key
_LIBRARY = "libseccomp.so.2"
_FORMAT = 1  # of a cached program; raised when the same profile compiles to something else
_HINT = "install libseccomp2 (on other systems: libseccomp)"
_OPTIMIZE, _BINARY_TREE = 8, 2
_ALL_BITS = (1 << 64) - 1

# struct seccomp_data and classic BPF (linux/seccomp.h, linux/filter.h)
_LOAD_NUMBER, _LOAD_ARCHITECTURE = 0, 4
_LD, _JEQ, _JGE, _JGT, _RET = 0x20, 0x15, 0x35, 0x25, 0x06
_RET_ERRNO = 0x00050000
_X32_BIT = 0x40000000
_HIGHEST_NUMBER = 1023  # far above any call; 32-bit ARM has a few beyond, which no filter needs


def compile_profile(
    profile: "Mapping[str, Any] | None",
    capabilities: "Collection[str]",
    *,
    cache_dir: str = "",
) -> bytes:
    """The program for ``linux.seccomp``; the default profile where it is ``None`` or empty.

    ``capabilities`` are those that the process may ever hold (its bounding set). Programs are kept
    in this process and, with ``cache_dir``, in that directory, which is made if its parent is
    there; one that others may write into is not used.
    ``UnsupportedError`` where libseccomp is missing.
    """
    key = _key(profile, capabilities)
    if key not in _KNOWN:
        _KNOWN[key] = _cached(cache_dir, key) or _compile(profile, capabilities, cache_dir, key)
    return _KNOWN[key]


def _compile(
    profile: "Mapping[str, Any] | None",
    capabilities: "Collection[str]",
    cache_dir: str,
    key: str,
) -> bytes:
    machine = os.uname().machine
    if profile:
        rules = rules_of(profile, capabilities, machine)
    else:
        rules = default_rules(capabilities, machine)
    program = build(rules)
    if _is_private(cache_dir):
        write_atomic(_cache_file(cache_dir, key), key.encode() + b"\0" + program, mode=0o600)
    return program


def build(rules: Rules) -> bytes:
    """The program of ``rules``; calls that this libseccomp does not know are left out."""
    library = _library()
    context = library.SyscallFilter(_action(library, rules.default))
    for name in rules.architectures:
        _add_architecture(library, context, name)
    try:
        context.set_attr(_OPTIMIZE, _BINARY_TREE)
    except OSError as error:
        # Before libseccomp 2.5 the program is a chain: slower, and the same.
        if error.errno not in (errno.EEXIST, errno.EINVAL, errno.EOPNOTSUPP):
            raise
    for rule in rules.rules:
        number = library.resolve_syscall(library.Arch.NATIVE, rule.name)
        if number != -1:
            _add_rule(library, context, rule, number)
    prefix = b""
    if rules.default.action == ERRNO and rules.default.value != ENOSYS:
        prefix = _newer_is_unknown(library, rules)
    return prefix + _export(context)


def _add_rule(library: "Any", context: "Any", rule: Rule, number: int) -> None:
    compared = [
        library.Arg(
            item.argument,
            getattr(library, item.operator.removeprefix("SCMP_CMP_")),
            item.value & _ALL_BITS,
            item.other & _ALL_BITS,
        )
        for item in rule.conditions
    ]
    try:
        context.add_rule(_action(library, rule.answer), number, *compared)
    except OSError as error:
        raise InvalidInputError(
            f"linux.seccomp: libseccomp refuses the rule for '{rule.name}': {error.strerror}"
        ) from None


def _add_architecture(library: "Any", context: "Any", name: str) -> None:
    architecture = getattr(library.Arch, name, None)
    if not isinstance(architecture, int):
        raise InvalidInputError(f"linux.seccomp.architectures: unknown name 'SCMP_ARCH_{name}'")
    try:
        context.add_arch(architecture)
    except FileExistsError:
        return


def _action(library: "Any", answer: Answer) -> int:
    name = answer.action.removeprefix("SCMP_ACT_")
    if name in ("ERRNO", "TRACE"):
        made: int = getattr(library, name)(answer.value)
        return made
    action: int = getattr(library, name)
    return action


def _export(context: "Any") -> bytes:
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    with open(fd, "r+b", buffering=0) as file:
        context.export_bpf(file)
        file.seek(0)
        return file.read()


def _newer_is_unknown(library: "Any", rules: Rules) -> bytes:
    """Instructions that come first: ENOSYS for numbers above all that this libseccomp knows."""
    architectures = [library.system_arch()]
    architectures += [getattr(library.Arch, name) for name in rules.architectures if name != "X32"]
    code = b""
    for architecture in architectures:
        unknown = [
            _step(_LD, _LOAD_NUMBER),
            _step(_JGE, _X32_BIT, then=2),  # x32 numbers and -1 are left to the filter
            _step(_JGT, _newest(library, architecture), otherwise=1),
            _step(_RET, _RET_ERRNO | ENOSYS),
        ]
        code += _step(_LD, _LOAD_ARCHITECTURE)
        code += _step(_JEQ, architecture, otherwise=len(unknown)) + b"".join(unknown)
    return code


def _newest(library: "Any", architecture: int) -> int:
    for number in range(_HIGHEST_NUMBER, 0, -1):
        try:
            library.resolve_syscall(architecture, number)
        except ValueError:
            continue
        return number
    return _HIGHEST_NUMBER


def _step(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """One ``struct sock_filter``; ``then`` and ``otherwise`` say how many steps to skip."""
    head = code.to_bytes(2, sys.byteorder) + bytes((then, otherwise))
    return head + operand.to_bytes(4, sys.byteorder)


def _library() -> "Any":
    try:
        import pyseccomp  # noqa: PLC0415 - it runs ldconfig to find the library: 20 ms
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise UnsupportedError(
            f"system call filters need libseccomp, which cannot be loaded: {error}", hint=_HINT
        ) from None
    return pyseccomp


def _key(profile: "Mapping[str, Any] | None", capabilities: "Collection[str]") -> str:
    """Everything that the program depends on, as text."""
    if profile:
        said = json.dumps(profile, sort_keys=True)
    else:
        status = os.stat(DEFAULT_FILE)
        said = f"default {status.st_mtime_ns} {status.st_size}"
    return f"{_FORMAT} {os.uname().release} {_library_stamp()} {sorted(capabilities)} {said}"


def _library_stamp() -> str:
    """Changes when libseccomp is upgraded; found without loading it."""
    for folder in (f"/usr/lib/{os.uname().machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"):
        try:
            status = os.stat(f"{folder}/{_LIBRARY}")
        except FileNotFoundError:
            continue
        return f"{status.st_mtime_ns}.{status.st_size}"
    return "?"


def _cache_file(cache_dir: str, key: str) -> str:
    return f"{cache_dir}/{binascii.crc32(key.encode()):08x}.bpf"


def _cached(cache_dir: str, key: str) -> bytes:
    """The program kept under ``key``; empty where there is none. The whole key is compared."""
    if not _is_private(cache_dir):
        return b""
    try:
        with open(_cache_file(cache_dir, key), "rb") as file:
            kept, _, program = file.read().partition(b"\0")
    except FileNotFoundError:
        return b""
    return program if kept == key.encode() else b""


def _is_private(directory: str) -> bool:
    """Whether it exists (or can be made), is ours, and nobody else may write into it."""
    if not directory:
        return False
    try:
        os.mkdir(directory, 0o700)
    except (FileExistsError, FileNotFoundError):
        pass  # there already, or not even its parent is
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
    try:
        status = os.lstat(directory)
    except FileNotFoundError:
        return False
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not others
