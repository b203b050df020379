import os
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine.layers import read_file


@pytest.fixture
def layers(tmp_path: Path) -> tuple[str, ...]:
    for name in ("top", "low"):
        (tmp_path / name / "etc").mkdir(parents=True)
    return str(tmp_path / "top"), str(tmp_path / "low")


def put(layer: str, name: str, text: str) -> None:
    path = Path(layer, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_topmost_file_wins(layers: tuple[str, ...]) -> None:
    put(layers[0], "etc/passwd", "top")
    put(layers[1], "etc/passwd", "low")
    assert read_file(layers, "etc/passwd") == b"top"


def test_a_lower_file_shows_through(layers: tuple[str, ...]) -> None:
    put(layers[1], "etc/passwd", "low")
    assert read_file(layers, "/etc/passwd") == b"low"


def test_nothing_is_empty(layers: tuple[str, ...]) -> None:
    assert read_file(layers, "etc/passwd") == b""
    assert read_file(layers, "nowhere/passwd") == b""


def test_a_directory_is_no_file(layers: tuple[str, ...]) -> None:
    Path(layers[1], "etc/passwd").mkdir()
    assert read_file(layers, "etc/passwd") == b""


def test_an_absolute_link_stays_inside(layers: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("host")
    Path(layers[0], "etc/passwd").symlink_to(tmp_path / "outside")
    assert read_file(layers, "etc/passwd") == b""
    put(layers[1], str(tmp_path / "outside").lstrip("/"), "image")
    assert read_file(layers, "etc/passwd") == b"image"


def test_dots_do_not_leave_the_root(layers: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("host")
    Path(layers[0], "etc/passwd").symlink_to("../../../outside")
    assert read_file(layers, "etc/passwd") == b""


def test_a_link_leads_to_another_layer(layers: tuple[str, ...]) -> None:
    Path(layers[0], "etc/passwd").symlink_to("../lib/./passwd")
    put(layers[1], "lib/passwd", "low")
    assert read_file(layers, "etc/passwd") == b"low"


def test_a_file_above_hides_a_directory_below(layers: tuple[str, ...]) -> None:
    put(layers[0], "lib", "a file")
    put(layers[1], "lib/passwd", "low")
    assert read_file(layers, "lib/passwd") == b""


def test_a_file_below_does_not_join_a_directory_above(layers: tuple[str, ...]) -> None:
    put(layers[0], "lib/passwd", "top")
    put(layers[1], "lib", "a file")
    assert read_file(layers, "lib/passwd") == b"top"


def test_a_loop_of_links_is_refused(layers: tuple[str, ...]) -> None:
    Path(layers[0], "etc/passwd").symlink_to("passwd")
    with pytest.raises(InvalidInputError, match="loop"):
        read_file(layers, "etc/passwd")


def test_a_huge_file_is_refused(layers: tuple[str, ...]) -> None:
    put(layers[0], "etc/passwd", "x" * 100)
    with pytest.raises(InvalidInputError, match="larger than 10 bytes"):
        read_file(layers, "etc/passwd", limit=10)


def test_a_fifo_does_not_block(layers: tuple[str, ...]) -> None:
    os.mkfifo(Path(layers[0], "etc/passwd"))
    assert read_file(layers, "etc/passwd") == b""


def test_no_descriptor_is_left_open(layers: tuple[str, ...]) -> None:
    put(layers[1], "etc/passwd", "low")
    before = os.listdir("/proc/self/fd")
    read_file(layers, "etc/passwd")
    assert os.listdir("/proc/self/fd") == before
