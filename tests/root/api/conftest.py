"""A server of its own for each test."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import Docker, serving


@pytest.fixture
def docker(home: Path, require: Callable[[str], str]) -> Iterator[Docker]:
    """Runs ``docker`` against a server of its own, which stands in a network of its own."""
    with serving(home, require) as found:
        yield found


@pytest.fixture
def root(tmp_path: Path, require: Callable[[str], str]) -> Path:
    """The tar of a root file system that holds busybox."""
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(require("busybox"), "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    return path
