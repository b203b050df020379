"""Reading profiles: pure functions of data."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.runtime.seccomp_rules import Answer, Condition, Rules, default_rules, rules_of

ALLOW = Answer(action="SCMP_ACT_ALLOW")


def names(rules: Rules) -> set[str]:
    return {rule.name for rule in rules.rules if rule.answer == ALLOW}


def read(*syscalls: dict[str, Any], machine: str = "x86_64", caps: tuple[str, ...] = ()) -> Rules:
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": list(syscalls)}
    return rules_of(profile, caps, machine)


def test_the_default_profile_has_the_published_size() -> None:
    found = names(default_rules((), "x86_64"))
    assert 360 <= len(found) <= 380
    assert "io_uring_setup" not in found
    assert "keyctl" not in found
    assert "mount" not in found


def test_every_name_of_the_default_profile_is_there_once() -> None:
    rules = default_rules((), "x86_64").rules
    plain = [rule.name for rule in rules if not rule.conditions]
    assert len(plain) == len(set(plain))


@pytest.mark.parametrize(
    ("machine", "own", "architectures"),
    [
        ("x86_64", "arch_prctl", ("X86", "X32")),
        ("aarch64", "set_tls", ("ARM",)),
        ("s390x", "s390_pci_mmio_read", ("S390",)),
        ("riscv64", "riscv_flush_icache", ()),
        ("vax", "read", ()),
    ],
)
def test_machines_have_calls_of_their_own(
    machine: str, own: str, architectures: tuple[str, ...]
) -> None:
    rules = default_rules((), machine)
    assert own in names(rules)
    assert rules.architectures == architectures


def test_clone_has_another_order_of_arguments_on_s390x() -> None:
    for machine, argument in (("x86_64", 0), ("s390x", 1)):
        rules = default_rules((), machine).rules
        (clone,) = [rule for rule in rules if rule.name == "clone"]
        assert clone.conditions[0].argument == argument


def test_with_sys_admin_clone_is_free() -> None:
    rules = [
        rule
        for rule in default_rules(("CAP_SYS_ADMIN",), "x86_64").rules
        if rule.name in ("clone", "clone3")
    ]
    assert [(rule.name, rule.answer, rule.conditions) for rule in rules] == [
        ("clone", ALLOW, ()),
        ("clone3", ALLOW, ()),
    ]


def test_the_old_form_of_a_name() -> None:
    assert names(read({"name": "read", "action": "SCMP_ACT_ALLOW"})) == {"read"}


def test_rules_that_say_what_the_default_says_are_left_out() -> None:
    assert read({"names": ["read"], "action": "SCMP_ACT_ERRNO"}).rules == ()
    other = {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}
    assert len(read(other).rules) == 1


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({"includes": {"caps": ["CAP_KILL"]}}, True),
        ({"includes": {"caps": ["CAP_KILL", "CAP_BPF"]}}, False),
        ({"excludes": {"caps": ["CAP_KILL"]}}, False),
        ({"excludes": {"caps": ["CAP_BPF"]}}, True),
        ({"includes": {"arches": ["amd64"]}}, True),
        ({"includes": {"arches": ["x32", "arm"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"includes": {"minKernel": "4.8"}}, True),
        ({"includes": {"minKernel": "99.0"}}, False),
        ({"includes": {}, "excludes": None}, True),
    ],
)
def test_dockers_conditions(condition: dict[str, Any], *, applies: bool) -> None:
    rule = {"names": ["read"], "action": "SCMP_ACT_ALLOW", **condition}
    assert bool(read(rule, caps=("CAP_KILL",)).rules) is applies


def test_dockers_map_of_architectures() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
            {
                "architecture": "SCMP_ARCH_X86_64",
                "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            },
            {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": None},
        ],
    }
    assert rules_of(profile, (), "x86_64").architectures == ("X86", "X32")
    assert rules_of(profile, (), "riscv64").architectures == ()


def test_the_machine_itself_is_no_further_architecture() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X86"],
    }
    assert rules_of(profile, (), "x86_64").architectures == ("X86",)


def test_conditions_are_typed() -> None:
    args = [{"index": 2, "value": 7, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]
    (rule,) = read({"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": args}).rules
    expected = Condition(argument=2, operator="SCMP_CMP_MASKED_EQ", value=7, other=3)
    assert rule.conditions == (expected,)


def arguments(**change: Any) -> dict[str, Any]:
    item = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ", **change}
    return {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [item]}


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"names": ["read"]}, r"syscalls\[0\]\.action: unknown action 'None'"),
        ({"names": ["read"], "action": "SCMP_ACT_ALOW"}, r"syscalls\[0\]\.action"),
        ({"action": "SCMP_ACT_ALLOW"}, r"syscalls\[0\]\.names: expected names"),
        ({"names": [1], "action": "SCMP_ACT_ALLOW"}, r"syscalls\[0\]\.names"),
        (arguments(op="EQ"), r"syscalls\[0\]\.args\[0\]\.op: unknown operator 'EQ'"),
        (arguments(index=6), r"args\[0\]\.index: a system call has arguments 0 to 5"),
        (arguments(value="1"), r"args\[0\]\.value: expected a number"),
        (arguments(value=-1), r"args\[0\]\.value: expected a number"),
        (arguments(value=True), r"args\[0\]\.value: expected a number"),
        ({"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": {}, "x": 1}, ""),
        (
            {"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": {"a": 1}},
            r"\.args: expected",
        ),
        ({"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [1]}, r"args\[0\]: expected an obj"),
        ({"names": ["a"], "action": "SCMP_ACT_ERRNO", "errnoRet": "x"}, r"errnoRet: expected a nu"),
    ],
)
def test_faults_name_their_place(rule: dict[str, Any], place: str) -> None:
    if not place:
        assert read(rule).rules
        return
    with pytest.raises(InvalidInputError, match=place):
        read(rule)


def test_an_action_gets_the_nearest_name_as_a_hint() -> None:
    with pytest.raises(InvalidInputError) as caught:
        rules_of({"defaultAction": "SCMP_ACT_ALOW"}, (), "x86_64")
    assert caught.value.hint == "did you mean 'SCMP_ACT_ALLOW'?"


def test_syscalls_must_be_objects() -> None:
    with pytest.raises(InvalidInputError, match=r"syscalls\[0\]: expected an object"):
        rules_of({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": ["read"]}, (), "x86_64")
