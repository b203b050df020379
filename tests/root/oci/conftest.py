"""``dockyard-oci`` with states, cgroups and bundles of a test's own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.boxes import make_root
from support.oci_boxes import Oci, make_program


@pytest.fixture(scope="session")
def busybox_root(tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], str]) -> Path:
    return make_root(tmp_path_factory.mktemp("image") / "root", require("busybox"))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_program(tmp_path_factory.mktemp("bin"))


@pytest.fixture
def oci(program: str, busybox_root: Path, home: Path) -> Iterator[Oci]:
    made = Oci(program, busybox_root, home, os.environ["DOCKYARD_CGROUP_PARENT"])
    yield made
    made.end()
    assert [path.name for path in made.states.glob("*")] == []
