import pytest

from toolkit.agent.call import Answer, Call
from toolkit.core.errors import InvalidInputError


def test_a_parameter_is_checked_by_type() -> None:
    call = Call(method="read", params={"path": "/a", "mode": 0o600, "deep": True})
    assert call.get("path", str) == "/a"
    assert call.get("mode", int) == 0o600
    assert call.get("deep", bool) is True


def test_a_missing_parameter_is_its_default_or_an_error() -> None:
    call = Call(method="read", params={})
    assert call.get("mode", int, 0o644) == 0o644
    with pytest.raises(InvalidInputError, match="read: 'path' is missing"):
        call.get("path", str)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (1, str, "expected text, not 1"),
        ("1", int, "expected a whole number, not '1'"),
        (True, int, "expected a whole number, not True"),
        (1, bool, "expected true or false, not 1"),
        (None, list, "expected a list, not None"),
        ([], dict, r"expected a mapping, not \[\]"),
    ],
)
def test_another_type_is_refused(value: object, kind: type, message: str) -> None:
    with pytest.raises(InvalidInputError, match=f"read: 'x': {message}"):
        Call(method="read", params={"x": value}).get("x", kind)


def test_an_argv_is_a_list_of_texts() -> None:
    assert Call(method="run", params={"argv": ["ip", "link"]}).argv() == ("ip", "link")
    for wrong in ([], ["ip", 1]):
        with pytest.raises(InvalidInputError, match="run: 'argv': expected a list of texts"):
            Call(method="run", params={"argv": wrong}).argv()


def test_bytes_stay_out_of_logs() -> None:
    call = Call(method="write", params={}, body=b"secret", files={"d": b"secret"})
    assert "secret" not in repr(call)
    assert "secret" not in repr(Answer(result=1, body=b"secret"))
