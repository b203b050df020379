import pytest

from toolkit.conformance.verdict import (
    LONGEST,
    Verdict,
    clean,
    denied,
    differs,
    equal,
    holds,
    inconclusive,
    none_of,
    not_applicable,
    text,
    weaker,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (frozenset({"b", "a"}), "a b"),
        ([], "-"),
        ("", "-"),
        (None, "-"),
        (("x", 1), "x 1"),
        (0, "0"),
        (False, "False"),
    ],
)
def test_values_are_shown_in_one_way(value: object, shown: str) -> None:
    assert text(value) == shown


def test_equal_and_differs_are_opposites() -> None:
    assert equal("a", "a").verdict is Verdict.PASS
    assert equal("a", "b").verdict is Verdict.FAIL
    assert differs("a", "a").verdict is Verdict.FAIL
    assert differs("a", "b").verdict is Verdict.PASS
    assert differs("a", "b").expected == "not b"


def test_what_was_found_is_shown() -> None:
    assert none_of([], expected="nothing").verdict is Verdict.PASS
    found = none_of(["/proc/keys"], expected="nothing")
    assert (found.verdict, found.seen) == (Verdict.FAIL, "/proc/keys")


def test_a_call_that_is_refused_passes() -> None:
    assert denied({"mount": "EPERM", "umount": "EPERM"}).verdict is Verdict.PASS


def test_a_call_that_gets_through_fails_and_is_named() -> None:
    found = denied({"mount": "EPERM", "umount": "EINVAL"})
    assert (found.verdict, found.seen) == (Verdict.FAIL, "umount=EINVAL")


def test_a_call_that_the_kernel_lacks_neither_passes_nor_fails() -> None:
    assert denied({"init_module": "ENOSYS"}).verdict is Verdict.NA
    assert denied({"a": "ENOSYS", "b": "EPERM"}).verdict is Verdict.PASS
    assert denied({"a": "ENOSYS", "b": "EFAULT"}).verdict is Verdict.FAIL


def test_what_a_container_says_cannot_drive_a_terminal() -> None:
    assert clean("a\x1b[2Jb\0\nc") == "a?[2Jb??c"
    assert len(clean("x" * 100_000)) == LONGEST + 1


def test_every_other_verdict_has_a_reason() -> None:
    assert weaker("asked for").reason == "asked for"
    assert not_applicable("no such thing").verdict is Verdict.NA
    assert inconclusive("too busy", seen=1).seen == "1"
    assert holds(True, seen=1, expected=2, reason="why").reason == "why"
