"""The loader, run as a host would run it, with a small bundle that answers with its own folder."""

import ast
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolkit.ssh import finder, loader
from toolkit.ssh.bootstrap import command
from toolkit.ssh.target import Target

_SERVE = "def main():\n    print('served', __file__, __cached__, flush=True)\n"


def packed(text: str = _SERVE) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in ("toolkit/__init__.py", "toolkit/agent/__init__.py"):
            file.writestr(name, "")
        file.writestr("toolkit/agent/serve.py", text)
    return stream.getvalue()


BUNDLE = packed()
DIGEST = hashlib.sha256(BUNDLE).hexdigest()


MADE: list["subprocess.Popen[bytes]"] = []


@pytest.fixture(autouse=True)
def _end_all() -> Iterator[None]:
    yield
    while MADE:
        with MADE.pop() as child:
            child.kill()


class Host:
    """A shell that is sent the command line and the loader's text, as over SSH."""

    def __init__(self, base: Path, digest: str = DIGEST, **env: str) -> None:
        source = Path(loader.__file__).read_bytes()
        line = command(Target(host="web", agent_dir=str(base)), len(source), digest)
        self._child = subprocess.Popen(
            ("sh", "-c", line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
        )
        MADE.append(self._child)
        with contextlib.suppress(BrokenPipeError):  # it may have refused by now
            self.send(source)

    def send(self, data: bytes) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(data)
        self._child.stdin.flush()

    def bundle(self, data: bytes = BUNDLE) -> None:
        self.send(b"%d\n" % len(data) + data)

    def line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().decode()

    def hear(self) -> dict[str, Any]:
        said = self.line()
        assert said.startswith(loader.MARK)
        data: dict[str, Any] = json.loads(said.removeprefix(loader.MARK))
        return data

    def end(self) -> tuple[int, str]:
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.close()
        said = child.stdout.read() + child.stderr.read()
        return child.wait(timeout=20), said.decode()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path / "cache" / "dockyard"


def install(base: Path) -> str:
    host = Host(base)
    assert host.hear()["have"] is False
    host.bundle()
    assert host.hear()["have"] is True
    status, said = host.end()
    assert status == 0
    return said


def test_the_code_is_sent_once_and_served_from_its_directory(base: Path) -> None:
    said = install(base)
    place = base / DIGEST
    assert f"served {place}/toolkit/agent/serve.py {place}/toolkit/agent/__pycache__/" in said
    host = Host(base)
    assert host.hear()["have"] is True
    assert host.line().startswith(f"served {place}")
    assert host.end()[0] == 0
    assert place.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in base.iterdir()] == [DIGEST]


def test_it_tells_its_python(base: Path) -> None:
    host = Host(base)
    assert host.hear()["python"].startswith("3.")
    host.end()


def test_two_at_once_do_not_disturb_each_other(base: Path) -> None:
    hosts = [Host(base) for _ in range(4)]
    assert [host.hear()["have"] for host in hosts] == [False] * 4
    for host in hosts:
        host.bundle()
    assert [host.hear()["have"] for host in hosts] == [True] * 4
    assert {host.end()[0] for host in hosts} == {0}
    assert [path.name for path in base.iterdir()] == [DIGEST]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed("def main(): print('evil')\n"), "the bundle was changed on its way"),
        (b"", "the bundle was changed on its way"),
    ],
)
def test_a_bundle_with_another_digest_is_refused(base: Path, data: bytes, message: str) -> None:
    host = Host(base)
    host.hear()
    host.bundle(data)
    assert host.hear()["error"] == message
    assert host.end() == (1, "")
    assert list(base.iterdir()) == []


def test_a_bundle_that_stops_in_the_middle(base: Path) -> None:
    host = Host(base)
    host.hear()
    host.send(b"100\nabc")
    status, said = host.end()
    assert status == 1
    assert "did not arrive whole" in said
    assert list(base.iterdir()) == []


def after_a_boot(base: Path) -> None:
    (base / DIGEST / loader.VERIFIED).write_text("an older boot")


def test_after_a_boot_the_code_is_verified_again(base: Path) -> None:
    install(base)
    after_a_boot(base)
    host = Host(base)
    assert host.hear()["have"] is True
    host.end()
    assert (base / DIGEST / loader.VERIFIED).read_text() == loader.boot_id()


@pytest.mark.parametrize("torn", ["toolkit/agent/serve.py", loader.MANIFEST])
def test_code_that_a_crash_has_torn_is_sent_again(base: Path, torn: str) -> None:
    install(base)
    after_a_boot(base)
    (base / DIGEST / torn).write_text("")
    assert "served" in install(base)
    assert [path.name for path in base.iterdir()] == [DIGEST]


def test_code_that_others_can_write_is_sent_again(base: Path) -> None:
    install(base)
    (base / DIGEST).chmod(0o770)
    assert "served" in install(base)
    assert (base / DIGEST).stat().st_mode & 0o777 == 0o700


def test_a_link_in_its_place_is_replaced(base: Path, tmp_path: Path) -> None:
    base.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (base / DIGEST).symlink_to(tmp_path / "elsewhere")
    install(base)
    assert not (base / DIGEST).is_symlink()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_cache_that_others_can_write_is_not_trusted(base: Path) -> None:
    base.mkdir(parents=True)
    base.chmod(0o777)
    host = Host(base)
    assert host.hear()["error"] == (
        f"the agent's code cannot be trusted: '{base}' can be written by others"
    )
    assert host.end()[0] == 1


def test_a_cache_that_is_a_file(base: Path) -> None:
    base.parent.mkdir()
    base.write_text("")
    host = Host(base)
    assert f"cannot keep the agent's code in '{base}'" in host.hear()["error"]


def test_what_was_not_used_for_a_week_is_removed(base: Path) -> None:
    base.mkdir(parents=True)
    for name in ("0" * 64, "1" * 64, "keep-me"):
        (base / name).mkdir()
    for name in ("0" * 64, "keep-me"):
        os.utime(base / name, (1, 1))
    install(base)
    assert {path.name for path in base.iterdir()} == {DIGEST, "1" * 64, "keep-me"}


def test_the_command_means_the_same_in_every_shell() -> None:
    line = command(Target(host="web"), 1, DIGEST)
    assert not set("\n\\!`") & set(line)


def test_the_finder_is_written_for_every_python3() -> None:
    """3.6 has neither of these; an f-string is refused by what is older still."""
    tree = ast.parse(Path(finder.__file__).read_text(), feature_version=(3, 5))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]
    assert finder.MARK == loader.MARK


def fake_python(folder: Path, version: str) -> str:
    """A PATH with a python3 that takes itself for an older one."""
    folder.mkdir()
    swap = f"import sys; code = sys.argv.pop(1); sys.version_info = {version}; exec(code)"
    script = f"#!/bin/sh\nshift 3\nexec {sys.executable} -I -S -c '{swap}' \"$@\"\n"
    (folder / "python3").write_text(script)
    (folder / "python3").chmod(0o755)
    (folder / "sh").symlink_to("/bin/sh")
    return str(folder)


def test_a_python_that_is_too_old_is_named(base: Path, tmp_path: Path) -> None:
    host = Host(base, PATH=fake_python(tmp_path / "bin", "(3, 9, 2)"))
    assert host.hear()["unsupported"] == "its python3 is older than 3.11: 3.9.2"
    assert host.end()[0] == 2


def test_a_newer_python_beside_an_old_one_is_taken(base: Path, tmp_path: Path) -> None:
    path = fake_python(tmp_path / "bin", "(3, 9, 2)")
    (tmp_path / "bin/python3.12").symlink_to("/usr/bin/python3")
    host = Host(base, PATH=path)
    assert host.hear()["have"] is False
    host.bundle()
    assert host.hear()["have"] is True
    assert "served" in host.end()[1]


def test_no_python_at_all(base: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    host = Host(base, PATH=str(tmp_path / "bin"))
    assert host.line() == loader.MARK + '{"missing": "it has no python3"}\n'
    assert host.end()[0] == 127
