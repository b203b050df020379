"""Device rules as a program for v2 (BPF_PROG_TYPE_CGROUP_DEVICE), with the meaning they have in v1.

v1 keeps a default and a list of exceptions: a rule for everything sets the default and empties the
list, a rule of the other kind adds an exception, one of the same kind takes access away from the
exception with the same numbers. A request passes a deny default only if one exception grants all of
it, and fails an allow default if one exception names any of it.
"""

import sys

from toolkit.cgroup.limits import DeviceRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Exceptions = dict[tuple[str, int | None, int | None], int]

# linux/bpf.h: struct bpf_cgroup_dev_ctx has access << 16 | type, major, minor
_TYPES = {"b": 1, "c": 2}
_ACCESS = {"m": 1, "r": 2, "w": 4}
_TYPE_AND_ACCESS, _MAJOR, _MINOR = 0, 4, 8

# eBPF opcodes (Documentation/bpf/standardization/instruction-set.rst)
_LOAD_WORD = 0x61
_MOV = 0xB7
_MOV32_REG = 0xBC
_AND32 = 0x54
_RSH32 = 0x74
_JEQ = 0x15
_JNE = 0x55
_JNE_REG = 0x5D
_EXIT = 0x95
_R0, _SCRATCH, _TYPE, _WANTED, _R_MAJOR, _R_MINOR = range(6)


def reduce(rules: "Iterable[DeviceRule]") -> "tuple[bool, Exceptions]":
    """The default (true: allowed) and the exceptions from it: type and numbers → access bits."""
    allowed = True  # a group without rules allows all
    exceptions: Exceptions = {}
    for rule in spelled_out(rules):
        if rule.everything:
            allowed, exceptions = rule.allow, {}
            continue
        key = (rule.type, rule.major, rule.minor)
        bits = sum(_ACCESS[letter] for letter in set(rule.access))
        if rule.allow != allowed:
            exceptions[key] = exceptions.get(key, 0) | bits
        elif key in exceptions:
            exceptions[key] &= ~bits
    return allowed, {key: bits for key, bits in exceptions.items() if bits}


def spelled_out(rules: "Iterable[DeviceRule]") -> "Iterable[DeviceRule]":
    """Without ``a`` for less than everything: the kernel would ignore its numbers and access."""
    for rule in rules:
        major = None if rule.major is not None and rule.major < 0 else rule.major
        minor = None if rule.minor is not None and rule.minor < 0 else rule.minor
        for kind in ("a",) if rule.everything else _TYPES if rule.type == "a" else (rule.type,):
            yield DeviceRule(
                allow=rule.allow, type=kind, major=major, minor=minor, access=rule.access
            )


def program(rules: "Iterable[DeviceRule]") -> bytes:
    """The instructions for the kernel: 1 lets the access pass, 0 is EPERM."""
    allowed, exceptions = reduce(rules)
    code = [
        _step(_LOAD_WORD, _TYPE, source=_SCRATCH, offset=_TYPE_AND_ACCESS),
        _step(_MOV32_REG, _WANTED, source=_TYPE),
        _step(_AND32, _TYPE, value=0xFFFF),
        _step(_RSH32, _WANTED, value=16),
        _step(_LOAD_WORD, _R_MAJOR, source=_SCRATCH, offset=_MAJOR),
        _step(_LOAD_WORD, _R_MINOR, source=_SCRATCH, offset=_MINOR),
    ]
    for (kind, major, minor), bits in exceptions.items():
        code += _exception(_TYPES[kind], (major, minor), bits, allowed=allowed)
    return b"".join([*code, *_answer(allowed)])


def _exception(
    kind: int, numbers: "tuple[int | None, int | None]", bits: int, *, allowed: bool
) -> list[bytes]:
    """Answer if the request is of this exception, or go on behind it."""
    tests = [(_TYPE, kind)]
    tests += [
        (register, number)
        for register, number in zip((_R_MAJOR, _R_MINOR), numbers, strict=True)
        if number is not None
    ]
    if allowed:  # any of the access that is named refuses
        skip = _step(_JEQ, _SCRATCH, offset=2)
    else:  # all that is wanted must be granted
        skip = _step(_JNE_REG, _SCRATCH, source=_WANTED, offset=2)
    mask = [_step(_MOV32_REG, _SCRATCH, source=_WANTED), _step(_AND32, _SCRATCH, value=bits)]
    tail = [*mask, skip, *_answer(not allowed)]
    length = len(tests) + len(tail)
    return [
        _step(_JNE, register, offset=length - at - 1, value=value)
        for at, (register, value) in enumerate(tests)
    ] + tail


def _answer(allowed: bool) -> list[bytes]:
    return [_step(_MOV, _R0, value=int(allowed)), _step(_EXIT, _R0)]


def _step(code: int, target: int, *, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    """One ``struct bpf_insn``."""
    little = sys.byteorder == "little"
    registers = source << 4 | target if little else target << 4 | source
    head = bytes((code, registers)) + offset.to_bytes(2, sys.byteorder, signed=True)
    return head + value.to_bytes(4, sys.byteorder)
