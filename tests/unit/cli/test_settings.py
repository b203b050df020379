from pathlib import Path

import pytest

from toolkit.cli.settings import load_settings
from toolkit.core.errors import InvalidInputError
from toolkit.engine.settings import Settings


def test_defaults(tmp_path: Path) -> None:
    assert load_settings({}, {}, path=str(tmp_path / "none")) == Settings()


def test_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text('data_root = "/file"\nrun_root = "/file"\ncgroup_parent = "file"\n')
    environ = {"DOCKYARD_DATA_ROOT": "/env", "DOCKYARD_ROOT": "/env"}
    found = load_settings({"data_root": "/flag", "run_root": ""}, environ, path=str(path))
    assert found == Settings(data_root="/flag", run_root="/env", cgroup_parent="file")


def test_the_bridge_is_named_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("[bridge]\nname = 'br9'\naddress = '10.9.0.1/16'\n")
    assert load_settings({}, {}, path=str(path)) == Settings(
        bridge="br9", bridge_address="10.9.0.1/16"
    )


def test_relative_roots_are_made_absolute(tmp_path: Path) -> None:
    found = load_settings({"data_root": "x"}, {}, path=str(tmp_path / "none"))
    assert found.data_root == str(Path.cwd() / "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data_rot = '/x'", "data_rot: unknown key"),
        ("data_root = 1", "data_root: expected text, not 1"),
        ("data_root = ''", "data_root: expected text, not ''"),
        ("data_root", "Expected '='"),
        ("bridge = 1", "bridge: expected a table, not 1"),
        ("[bridge]\nnme = 'x'", "bridge.nme: unknown key"),
        ("[bridge]\nname = 1", "bridge.name: expected text, not 1"),
    ],
)
def test_a_bad_file_names_itself(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "engine.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        load_settings({}, {}, path=str(path))
    assert caught.value.message.startswith(f"{path}: {message}")


def test_the_nearest_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("data_rot = '/x'")
    with pytest.raises(InvalidInputError) as caught:
        load_settings({}, {}, path=str(path))
    assert caught.value.hint == "did you mean 'data_root'?"
