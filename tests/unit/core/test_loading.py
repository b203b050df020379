"""The quick way to a module: what it finds is what Python finds, and nothing that is stale."""

import os
import py_compile
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

import pytest

import toolkit
from toolkit.core.loading import Finder, install


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    for name in ("one.py", "room/__init__.py"):
        (tmp_path / name).write_text("value = 1\n")
        py_compile.compile(str(tmp_path / name), doraise=True)
    return tmp_path


def found(name: str, folder: Path) -> object:
    return Finder.find_spec(f"toolkit.{name}", [str(folder)])


@pytest.mark.parametrize("name", ["one", "room"])
def test_it_finds_what_python_finds(folder: Path, name: str) -> None:
    mine = Finder.find_spec(f"toolkit.{name}", [str(folder)])
    theirs = PathFinder.find_spec(f"toolkit.{name}", [str(folder)])
    assert mine is not None
    assert theirs is not None
    for what in ("name", "origin", "cached", "has_location", "parent"):
        assert getattr(mine, what) == getattr(theirs, what)
    assert mine.submodule_search_locations == theirs.submodule_search_locations
    assert isinstance(mine.loader, SourceFileLoader)
    assert isinstance(theirs.loader, SourceFileLoader)
    assert mine.loader.get_code(mine.name) == theirs.loader.get_code(theirs.name)
    assert mine.loader.get_code(mine.name) is not None  # again: now from the file


def test_a_changed_source_is_left_to_python(folder: Path) -> None:
    source = folder / "one.py"
    assert found("one", folder)
    source.write_text("value = 22\n")
    assert found("one", folder) is None
    source.write_text("value = 1\n")
    os.utime(source, (1, 1))
    assert found("one", folder) is None


@pytest.mark.parametrize("content", [b"", b"\0" * 16, b"\0" * 40])
def test_foreign_byte_code_is_left_to_python(folder: Path, content: bytes) -> None:
    next((folder / "__pycache__").iterdir()).write_bytes(content)
    assert found("one", folder) is None


def test_byte_code_that_was_cut_off_is_left_to_python(folder: Path) -> None:
    path = next((folder / "__pycache__").iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    assert found("one", folder) is None


def test_what_has_no_byte_code_or_no_source_is_left_to_python(folder: Path) -> None:
    (folder / "one.py").unlink()
    assert found("one", folder) is None
    assert found("two", folder) is None


def test_other_packages_are_left_to_python(folder: Path) -> None:
    assert Finder.find_spec("one", [str(folder)]) is None
    assert Finder.find_spec("toolkit", None) is None


def test_it_is_installed_once_and_loads_this_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "toolkit.core.suggest", raising=False)
    install()
    install()
    assert sys.meta_path.count(Finder) == 1
    from toolkit.core import suggest  # noqa: PLC0415 - with the finder in place

    assert suggest.__file__ == f"{toolkit.__path__[0]}/core/suggest.py"
