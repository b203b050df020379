import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine import values
from toolkit.engine.config import Tmpfs


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        ("64m", 64 << 20),
        ("64M", 64 << 20),
        ("64mb", 64 << 20),
        ("64MiB", 64 << 20),
        ("64b", 64),
        ("1.5g", 3 << 29),
        ("2k", 2048),
        ("1t", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert values.parse_size(text, what="memory") == size


@pytest.mark.parametrize("text", ["", "m", "64x", "64mm", "sixty", "6 4m", "inf", "nan", "1e400"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"memory: .* is no size"):
        values.parse_size(text, what="memory")


def test_a_size_is_not_negative_but_swap_may_be_unlimited() -> None:
    with pytest.raises(InvalidInputError, match="less than nothing"):
        values.parse_size("-1", what="memory")
    assert values.parse_swap("-1", what="memory-swap") == -1
    assert values.parse_swap("1k", what="memory-swap") == 1024


def test_cpus() -> None:
    assert values.parse_cpus("0.5", available=2) == (50_000, 100_000)
    assert values.parse_cpus("2", available=2) == (200_000, 100_000)


@pytest.mark.parametrize("text", ["0", "2.5", "-1", "many", "nan"])
def test_cpus_out_of_range(text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"cpus: '{text}'"):
        values.parse_cpus(text, available=2)


def test_tmpfs_is_safe_unless_asked() -> None:
    safe = ("noexec", "nosuid", "nodev")
    assert values.parse_tmpfs("/t") == Tmpfs(target="/t", options=safe)
    assert values.parse_tmpfs("/t:size=1m,mode=1777,noexec") == Tmpfs(
        target="/t", options=("nosuid", "nodev", "size=1m", "mode=1777", "noexec")
    )
    assert values.parse_tmpfs("/t:exec").options == ("nosuid", "nodev", "exec")
    with pytest.raises(InvalidInputError, match="not an absolute path"):
        values.parse_tmpfs("t")


def test_env_takes_the_callers_value_only_when_asked() -> None:
    caller = {"A": "1", "SECRET": "x"}
    assert values.parse_env("K=V=W", caller) == "K=V=W"
    assert values.parse_env("A", caller) == "A=1"
    assert values.parse_env("B", caller) is None
    with pytest.raises(InvalidInputError, match="has no name"):
        values.parse_env("=V", caller)


def test_env_file() -> None:
    lines = ["# comment\n", "\n", "A=1 2\n", "  B='x'\r\n", "HOME\n", "GONE\n"]
    found = values.parse_env_file(lines, {"HOME": "/root"}, at="env")
    assert found == ["A=1 2", "B='x'", "HOME=/root"]
    with pytest.raises(InvalidInputError, match=r"env:1: the name 'A B'"):
        values.parse_env_file(["A B=1"], {}, at="env")


def test_merged_env_keeps_the_first_place_and_the_last_value() -> None:
    assert values.merge_env(("A=1", "B=2", "*", "=x"), ("A=3",)) == ("A=3", "B=2")


def test_labels() -> None:
    assert values.parse_label("a=b=c") == "a=b=c"
    assert values.parse_label("a") == "a="
    with pytest.raises(InvalidInputError):
        values.parse_label("=x")
