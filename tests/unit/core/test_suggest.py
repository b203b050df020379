import pytest

from toolkit.core.suggest import did_you_mean


@pytest.mark.parametrize(
    ("name", "hint"), [("valu", "did you mean 'value'?"), ("xyzzy", ""), ("", "")]
)
def test_the_nearest_name_is_offered(name: str, hint: str) -> None:
    assert did_you_mean(name, ["value", "key"]) == hint
