import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = "mkdir /d; echo hi > /d/f; chown 7:8 /d/f; echo up > /up; sleep 1000"


@pytest.fixture(params=["running", "stopped"])
def box(request: pytest.FixtureRequest, dockyard: Dockyard, home: Path) -> str:
    """A container with a volume of this machine, in either state."""
    (home / "volume").mkdir()
    words = ("-v", f"{home}/volume:/volume", "host", "sh", "-c", SCRIPT)
    assert dockyard("run", "-d", "--name", "box", *words).returncode == 0
    while dockyard("exec", "box", "cat", "/up").stdout != "up\n":
        pass
    if request.param == "stopped":
        dockyard("stop", "-t", "0", "box")
    return "box"


def test_out_of_a_container(box: str, dockyard: Dockyard, tmp_path: Path) -> None:
    assert dockyard("cp", f"{box}:/d/f", str(tmp_path / "f")).returncode == 0
    found = (tmp_path / "f").stat()
    assert ((tmp_path / "f").read_text(), found.st_uid, found.st_gid) == ("hi\n", 0, 0)
    assert dockyard("cp", "-a", f"{box}:d", str(tmp_path / "kept")).returncode == 0
    assert (tmp_path / "kept/f").stat().st_uid == 7
    assert dockyard("cp", f"{box}:/usr/bin/env", str(tmp_path)).returncode == 0
    assert (tmp_path / "env").read_bytes() == Path("/usr/bin/env").read_bytes()


def test_into_a_container(box: str, dockyard: Dockyard, home: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("in\n")
    os.chown(tmp_path / "in", 5, 6)
    assert dockyard("cp", str(tmp_path / "in"), f"{box}:/d/in").returncode == 0
    assert dockyard("cp", "-a", str(tmp_path / "in"), f"{box}:/volume/").returncode == 0
    assert (home / "volume/in").stat().st_uid == 5
    dockyard("start", box)
    seen = dockyard("exec", box, "stat", "-c", "%u:%g %s", "/d/in").stdout
    assert seen == "0:0 3\n"


def test_as_a_stream(box: str, dockyard: Dockyard, entry: tuple[str, ...]) -> None:
    words = (*entry, "cp", f"{box}:/d", "-")
    told = subprocess.run(words, capture_output=True, check=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(told.stdout)) as tar:
        assert tar.getnames() == ["d", "d/f"]
        assert tar.getmember("d/f").uid == 7
    words = (*entry, "cp", "-", f"{box}:/volume")
    subprocess.run(words, input=told.stdout, capture_output=True, check=True, timeout=60)
    again = subprocess.run(
        (*entry, "cp", f"{box}:/volume/d/f", "-"), capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(again.stdout)) as tar:
        assert tar.getmember("f").uid == 7


def test_export_has_the_container_s_own_files(dockyard: Dockyard, home: Path) -> None:
    root = home / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/kept").write_text("kept")
    (home / "volume").mkdir()
    (home / "volume/hidden").write_text("hidden")
    for name in ("usr", "lib64", "lib", "bin", "proc", "sys", "dev"):
        (root / name).mkdir()
    binds = [word for name in ("usr", "lib64", "lib", "bin") for word in ("-v", f"/{name}:/{name}")]
    done = dockyard("run", "-d", "--name", "box", "-v", f"{home}/volume:/volume", *binds,
                    "--rootfs", str(root), "sh", "-c", "echo new > /new; sleep 1000")  # fmt: skip
    assert done.returncode == 0, done.stderr
    while dockyard("exec", "box", "cat", "/new").stdout != "new\n":
        pass
    for state in ("running", "stopped"):
        assert dockyard("export", "-o", str(home / state), "box").returncode == 0
        with tarfile.open(home / state) as tar:
            names = tar.getnames()
        assert {"etc/kept", "new", "volume", "proc", "usr"} <= set(names)
        assert not [name for name in names if name.startswith(("volume/", "proc/", "usr/"))]
        dockyard("stop", "-t", "0", "box")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a:/x", "b:/y"), "copying between containers is not supported"),
        (("/x", "./y:z"), "must specify at least one container source"),
        (("nobody:/x", "/tmp/y"), "no such container: 'nobody'"),
        ((":/x", "y"), "':/x' is not CONTAINER:PATH"),
    ],
)
def test_what_cannot_be_copied(dockyard: Dockyard, words: tuple[str, str], message: str) -> None:
    done = dockyard("cp", *words)
    assert done.returncode in (1, 2)
    assert message in done.stderr
