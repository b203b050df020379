"""A classic BPF machine: what a system call filter answers, without installing it."""

import struct
from dataclasses import dataclass

X86_64 = 0xC000003E
I386 = 0x40000003
X32_BIT = 0x40000000

ALLOW = 0x7FFF0000
KILL_THREAD = 0
_ERRNO = 0x00050000


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A ``struct seccomp_data``."""

    number: int
    architecture: int = X86_64
    args: tuple[int, ...] = ()

    def pack(self) -> bytes:
        args = (*self.args, 0, 0, 0, 0, 0, 0)[:6]
        return struct.pack("<iIQ6Q", self.number, self.architecture, 0, *args)


def errno_of(answer: int) -> int:
    """The errno of an answer, 0 where the call goes through, -1 for anything else."""
    if answer == ALLOW:
        return 0
    return answer & 0xFFFF if answer & 0xFFFF0000 == _ERRNO else -1


def run(program: bytes, call: Call) -> int:
    """The raw answer (linux/seccomp.h) of ``program`` to ``call``; knows what libseccomp emits."""
    data = call.pack()
    steps: list[tuple[int, int, int, int]] = list(struct.iter_unpack("<HBBI", program))
    accumulator, at = 0, 0
    while True:
        code, then, otherwise, operand = steps[at]
        at += 1
        if code == 0x20:  # ld [k]
            accumulator = int.from_bytes(data[operand : operand + 4], "little")
        elif code == 0x54:  # and #k
            accumulator &= operand
        elif code == 0x05:  # ja
            at += operand
        elif code == 0x06:  # ret #k
            return operand
        else:
            at += then if _compare(code, accumulator, operand) else otherwise


def _compare(code: int, left: int, right: int) -> bool:
    if code == 0x15:
        return left == right
    if code == 0x25:
        return left > right
    if code == 0x35:
        return left >= right
    if code == 0x45:
        return bool(left & right)
    raise AssertionError(f"unknown instruction {code:#x}")
