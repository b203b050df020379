"""The bundle alone has to be enough for a host."""

import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolkit.ssh import bundle as bundles
from toolkit.ssh.bundle import ROOMS, bundle

# Imports every module of every host-side room, where only the bundle can be found. A file that is
# run by its path (a program of its own) is compiled only.
_IMPORT_ALL = """
import importlib, pkgutil, sys
root, *rooms = sys.argv[1:]
sys.path.insert(0, root)
failed = []
for room in rooms:
    package = importlib.import_module("toolkit." + room)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.rpartition(".")[2] != "__main__":
            try:
                importlib.import_module(found.name)
            except ImportError as error:
                failed.append("%s: %s" % (found.name, error))
outside = [name for name, module in sys.modules.items()
           if "site-packages" in (getattr(module, "__file__", "") or "")]
print("\\n".join(failed + outside))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    made = bundle(folder / "cache")
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        file.extractall(folder / "code")
    return folder / "code"


def test_every_host_side_room_imports_from_the_bundle_alone(unpacked: Path) -> None:
    python = "/usr/bin/python3"
    argv = (python, "-I", "-S", "-B", "-c", _IMPORT_ALL, str(unpacked), *ROOMS)
    done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd="/")
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_the_controllers_rooms_and_libraries_stay_here(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir()}
    assert not top & {"click", "rich", "fabric", "paramiko", "pytest", "cryptography"}
    rooms = {path.name for path in (unpacked / "toolkit").iterdir() if path.is_dir()}
    assert rooms == set(ROOMS)


def test_data_files_travel_and_binaries_do_not(unpacked: Path) -> None:
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()]
    package = Path(bundles.__file__).parents[1]
    data = [
        str(path.relative_to(package.parent))
        for room in ROOMS
        for path in (package / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "/." not in str(path)
    ]
    assert set(data) <= set(names)
    assert not [name for name in names if name.endswith((".so", ".pyc", ".pyi"))]


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "one"), bundle(tmp_path / "two")
    assert first.content == second.content
    assert first.digest == hashlib.sha256(first.content).hexdigest()


def test_threads_that_ask_at_once_get_one_bundle(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        made = list(threads.map(bundle, [tmp_path / "cache"] * 8))
    assert len({id(one) for one in made}) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_current_bundle_is_kept_and_a_changed_input_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.py"
    source.write_text("A = 1\n")
    inputs: Callable[[], list[tuple[str, Path]]] = lambda: [("toolkit/a.py", source)]  # noqa: E731 - short
    monkeypatch.setattr(bundles, "_inputs", inputs)
    cache = tmp_path / "cache"
    first = bundle(cache)
    before = first.path.stat().st_mtime_ns
    bundles._bundle.cache_clear()
    assert bundle(cache).path.stat().st_mtime_ns == before
    source.write_text("A = 23\n")
    bundles._bundle.cache_clear()
    assert bundle(cache).digest != first.digest
    bundles._bundle.cache_clear()


def test_only_the_newest_bundles_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.py"
    monkeypatch.setattr(bundles, "_inputs", lambda: [("toolkit/a.py", source)])
    for number in range(bundles.KEPT + 3):
        source.write_text("#" * number)
        bundles._bundle.cache_clear()
        made = bundle(tmp_path / "cache")
        os.utime(made.path, (number, number))
    bundles._bundle.cache_clear()
    assert len(list((tmp_path / "cache").iterdir())) == bundles.KEPT
    assert made.path.exists()
