"""``[bridge]`` in engine.toml: what the container-host playbook writes must be accepted."""

from pathlib import Path

import pytest

from toolkit.cli.settings import load_settings
from toolkit.core.errors import InvalidInputError


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
    ],
)
def test_a_broken_one_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        load(tmp_path, text)
