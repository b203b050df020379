"""Packages by the real apt, from a repository of two packages in a folder of the test's own."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.own_network import in_own_machine
from toolkit.core.errors import NotFoundError
from toolkit.tasks import registry
from toolkit.tasks.changes import Change, from_data, to_data
from toolkit.tasks.local import LocalHost
from toolkit.tasks.perform import Outcome, perform
from toolkit.tasks.planned import PlannedHost

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("apt-get"), reason="this is no Debian"),
]

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Tests <tests@example.org>
Depends: {depends}
Description: a package of the tests
"""


def make_package(repository: Path, name: str, version: str, depends: str = "base-files") -> None:
    tree = repository / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc" / f"{name}.conf").write_text(f"{version}\n")
    control = CONTROL.format(name=name, version=version, depends=depends)
    (tree / "DEBIAN" / "control").write_text(control)
    file = repository / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--build", tree, file], check=True, capture_output=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    row = f"{control}Filename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n\n"
    with (repository / "Packages").open("a") as index:
        index.write(row)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    make_package(made, "dockyard-one", "1.0", "dockyard-two")
    make_package(made, "dockyard-two", "2.0")
    return made


def use(repository: Path) -> None:
    """Have apt know this repository and no other, and ask nothing of the network."""
    shutil.rmtree("/etc/apt/sources.list.d", ignore_errors=True)
    Path("/etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    Path("/etc/apt/apt.conf.d/99tests").write_text('APT::Sandbox::User "root";\n')
    shutil.rmtree("/var/lib/apt/lists", ignore_errors=True)
    subprocess.run(["apt-get", "update"], check=True, capture_output=True)


def run(
    host: Any = None, *, before: Callable[[Change], None] | None = None, **arguments: object
) -> Outcome:
    made = registry.build("package", arguments)
    return perform(made, host or LocalHost(), before=before)


def described(outcome: Outcome) -> list[str]:
    return [change.describe() for change in outcome.changes]


def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_package_and_what_it_needs_come_and_go(tmp_path: Path, repository: Path) -> None:
    def steps() -> dict[str, Any]:
        use(repository)
        host, done = LocalHost(), list[Change]()
        foreseen = run(PlannedHost(host), name="dockyard-one")
        real = run(name="dockyard-one", before=done.append)
        seen = {
            "foreseen": described(foreseen),
            "real": described(real),
            "installed": {
                name: version
                for name, version in host.packages.installed().items()
                if name.startswith("dockyard-") and ":" not in name
            },
            "file": Path("/etc/dockyard-one.conf").read_text(),
            "again": described(run(name="dockyard-one")),
        }
        for change in reversed(done):
            back = change.inverse()
            assert back is not None
            from_data(to_data(back)).apply(host)
        left = [name for name in host.packages.installed() if name.startswith("dockyard-")]
        return seen | {"left": left}

    seen = in_own_machine(steps, scratch(tmp_path))
    assert seen["real"] == seen["foreseen"] == ["install dockyard-one and 1 more"]
    assert seen["installed"] == {"dockyard-one": "1.0", "dockyard-two": "2.0"}
    assert seen["file"] == "1.0\n"
    assert (seen["again"], seen["left"]) == ([], [])


def test_a_newer_version_is_found_in_newer_lists(tmp_path: Path, repository: Path) -> None:
    def steps() -> tuple[list[str], list[str], str, bool]:
        use(repository)
        run(name="dockyard-two")
        make_package(repository, "dockyard-two", "2.1")
        stale = described(run(name="dockyard-two", state="latest"))
        fresh = run(name="dockyard-two", state="latest", update_cache=True)
        version = LocalHost().packages.installed()["dockyard-two"]
        return stale, described(fresh), version, LocalHost().packages.index_age() < 60

    stale, fresh, version, young = in_own_machine(steps, scratch(tmp_path))
    assert stale == []
    assert fresh == ["update package lists", "install dockyard-two"]
    assert version == "2.1"
    assert young


def test_a_removal_takes_what_needs_it_along_and_says_so(tmp_path: Path, repository: Path) -> None:
    def steps() -> tuple[list[str], list[str], list[str]]:
        use(repository)
        run(name="dockyard-one")
        foreseen = described(run(PlannedHost(LocalHost()), name="dockyard-two", state="absent"))
        real = described(run(name="dockyard-two", state="absent", purge=True))
        left = [n for n in LocalHost().packages.installed() if n.startswith("dockyard-")]
        return foreseen, real, left

    foreseen, real, left = in_own_machine(steps, scratch(tmp_path))
    assert foreseen == ["remove dockyard-two and 1 more"]
    assert real == ["purge dockyard-two and 1 more"]
    assert left == []


def test_an_unknown_package_is_refused_before_anything_happens(
    tmp_path: Path, repository: Path
) -> None:
    def steps() -> None:
        use(repository)
        run(name="dockyard-three")

    with pytest.raises(NotFoundError, match="there is no package 'dockyard-three'"):
        in_own_machine(steps, scratch(tmp_path))
