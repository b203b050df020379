"""Device rules with v1's meaning, reduced and as a program; an eBPF machine runs it."""

import struct

import pytest

from toolkit.cgroup.device_program import program, reduce
from toolkit.cgroup.limits import DeviceRule

DENY_ALL = DeviceRule(allow=False)
ALLOW_ALL = DeviceRule(allow=True)
MKNOD, READ, WRITE = 1, 2, 4
BLOCK, CHARACTER = 1, 2
WORD = 0xFFFFFFFF


def allow(text: str) -> DeviceRule:
    return rule(text, allowed=True)


def deny(text: str) -> DeviceRule:
    return rule(text, allowed=False)


def rule(text: str, *, allowed: bool) -> DeviceRule:
    """From ``c 1:* rw``."""
    kind, numbers, access = text.split()
    major, minor = (None if part == "*" else int(part) for part in numbers.split(":"))
    return DeviceRule(allow=allowed, type=kind, major=major, minor=minor, access=access)


def passes(code: bytes, kind: int, numbers: tuple[int, int], access: int) -> bool:
    """Run the program as the kernel would."""
    context = {0: access << 16 | kind, 4: numbers[0], 8: numbers[1]}
    registers = dict.fromkeys(range(10), 0)
    steps = list(struct.iter_unpack("<BBhi", code))
    at = 0
    while True:
        opcode, both, offset, value = steps[at]
        target, source = both & 15, both >> 4
        at += 1
        if opcode == 0x95:
            return bool(registers[0])
        if opcode == 0x61:
            registers[target] = context[offset]
        elif opcode in (0xB7, 0xBC):
            registers[target] = value if opcode == 0xB7 else registers[source] & WORD
        elif opcode == 0x54:
            registers[target] &= value & WORD
        elif opcode == 0x74:
            registers[target] = (registers[target] & WORD) >> value
        else:
            at += offset if jumps(opcode, registers[target], registers[source], value) else 0


def jumps(opcode: int, left: int, right: int, value: int) -> bool:
    if opcode == 0x15:
        return left == value
    if opcode == 0x55:
        return left != value
    assert opcode == 0x5D, f"unknown instruction {opcode:#x}"
    return left != right


def test_without_rules_all_pass() -> None:
    assert reduce(()) == (True, {})
    assert passes(program(()), CHARACTER, (1, 3), READ | WRITE)


@pytest.mark.parametrize(("first", "expected"), [(DENY_ALL, False), (ALLOW_ALL, True)])
def test_a_rule_for_everything_starts_anew(first: DeviceRule, *, expected: bool) -> None:
    rules = (DENY_ALL, allow("c 1:3 rwm"), first)
    assert reduce(rules) == (expected, {})


def test_exceptions_gather_access() -> None:
    rules = (DENY_ALL, allow("c 1:3 r"), allow("c 1:3 w"), deny("c 1:3 r"), allow("c 5:* m"))
    assert reduce(rules) == (False, {("c", 1, 3): WRITE, ("c", 5, None): MKNOD})


def test_a_rule_that_says_what_holds_takes_only_from_the_same_numbers() -> None:
    rules = (DENY_ALL, allow("c 1:* rwm"), deny("c 1:3 rwm"))
    assert reduce(rules) == (False, {("c", 1, None): MKNOD | READ | WRITE})
    assert reduce((DENY_ALL, allow("c 1:3 r"), deny("c 1:3 rwm"))) == (False, {})


def test_all_kinds_with_less_than_everything_are_two_rules() -> None:
    assert reduce((DENY_ALL, allow("a *:* m"))) == (
        False,
        {("b", None, None): MKNOD, ("c", None, None): MKNOD},
    )


def test_negative_numbers_mean_every_number() -> None:
    every = DeviceRule(allow=True, type="c", major=-1, minor=-1, access="m")
    assert reduce((DENY_ALL, every)) == (False, {("c", None, None): MKNOD})


@pytest.mark.parametrize(
    ("kind", "numbers", "access", "expected"),
    [
        (CHARACTER, (1, 3), READ, True),
        (CHARACTER, (1, 3), READ | WRITE, True),
        (CHARACTER, (1, 3), READ | MKNOD, False),
        (CHARACTER, (1, 5), READ, False),
        (CHARACTER, (1, 5), MKNOD, True),
        (BLOCK, (1, 3), READ, False),
        (BLOCK, (254, 0), READ, False),
        (CHARACTER, (136, 7), WRITE, True),
        (CHARACTER, (137, 7), WRITE, False),
    ],
)
def test_a_list_of_what_is_allowed(
    kind: int, numbers: tuple[int, int], access: int, *, expected: bool
) -> None:
    rules = (DENY_ALL, allow("c *:* m"), allow("c 1:3 rw"), allow("c 136:* rwm"))
    assert passes(program(rules), kind, numbers, access) is expected


@pytest.mark.parametrize(
    ("kind", "numbers", "access", "expected"),
    [
        (BLOCK, (8, 0), READ, True),
        (BLOCK, (8, 0), WRITE, False),
        (BLOCK, (8, 0), READ | WRITE, False),
        (BLOCK, (8, 1), WRITE, True),
        (CHARACTER, (8, 0), WRITE, True),
    ],
)
def test_a_list_of_what_is_denied(
    kind: int, numbers: tuple[int, int], access: int, *, expected: bool
) -> None:
    assert passes(program((ALLOW_ALL, deny("b 8:0 w"))), kind, numbers, access) is expected
