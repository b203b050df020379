"""``[bridge]`` in engine.toml: what the container-host playbook writes must be accepted."""

from pathlib import Path

import pytest

from toolkit.cli.settings import load_settings
from toolkit.core.errors import InvalidInputError


def test_a_bridge_is_described(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text('network = "none"\n[bridge]\nmtu = 1400\nicc = false\nipv6 = "fd00::1/64"\n')
    found = load_settings({}, {"DOCKYARD_NETWORK": "mine"}, path=str(path))
    assert (found.network, found.bridge_mtu, found.bridge_icc) == ("mine", 1400, False)
    assert found.bridge_ipv6 == "fd00::1/64"
    assert load_settings({}, {}, path=str(path)).network == "none"


def load(folder: Path, text: str) -> str:
    path = folder / "engine.toml"
    path.write_text(text)
    return load_settings({}, {}, path=str(path)).data_root


def test_a_bridge_may_be_named(tmp_path: Path) -> None:
    text = 'data_root = "/srv/d"\n[bridge]\nname = "bridge0"\naddress = "192.168.5.1/24"\n'
    assert load(tmp_path, text) == "/srv/d"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bridge = 1\n", "bridge: expected a table, not 1"),
        ('[bridge]\nnam = "x"\n', "bridge.nam: unknown key"),
        ("[bridge]\nname = 1\n", "bridge.name: expected text, not 1"),
        ("[bridge]\nmtu = true\n", "bridge.mtu: expected a whole number, not True"),
        ("[bridge]\nicc = 1\n", "bridge.icc: expected true or false, not 1"),
    ],
)
def test_a_broken_one_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        load(tmp_path, text)
