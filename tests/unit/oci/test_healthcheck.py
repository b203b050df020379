import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.oci.image import Fields, Healthcheck, decode_config, encode_config, encode_health

SAID = {
    "Test": ["CMD-SHELL", "curl -f localhost"],
    "Interval": 5_000_000_000,
    "Timeout": 1_000_000_000,
    "StartPeriod": 2_000_000_000,
    "StartInterval": 500_000_000,
    "Retries": 4,
}


def test_an_image_says_how_to_look_after_it() -> None:
    config = decode_config(Fields({"Healthcheck": SAID, "Shell": ["/bin/ash", "-c"]}, "config"))
    assert config.shell == ("/bin/ash", "-c")
    assert config.healthcheck == Healthcheck(
        test=("CMD-SHELL", "curl -f localhost"),
        interval=5_000_000_000,
        timeout=1_000_000_000,
        start_period=2_000_000_000,
        start_interval=500_000_000,
        retries=4,
    )
    assert encode_health(config.healthcheck) == SAID
    assert decode_config(Fields(encode_config(config), "state.db")) == config


@pytest.mark.parametrize("said", [{}, {"Healthcheck": None}, {"Healthcheck": {}}])
def test_most_say_nothing(said: dict[str, object]) -> None:
    config = decode_config(Fields(said, "config"))
    assert config.healthcheck == Healthcheck()
    assert "Healthcheck" not in encode_config(config)


def test_a_fault_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"Healthcheck\.Retries"):
        decode_config(Fields({"Healthcheck": {"Retries": -1}}, "config"))
    with pytest.raises(InvalidInputError, match=r"Healthcheck\.Test"):
        decode_config(Fields({"Healthcheck": {"Test": "curl"}}, "config"))
