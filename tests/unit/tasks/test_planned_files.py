"""The planned files behave as real ones do: both are driven by the same random steps."""

import posixpath
import random
from pathlib import Path

import pytest

from support.fake_host import FakeHost
from toolkit.tasks.host import Attributes, Files
from toolkit.tasks.local_files import LocalFiles
from toolkit.tasks.planned import PlannedHost
from toolkit.tasks.planned_files import PlannedFiles

NAMES = ("a", "b", "c")


def never(_: str) -> bool:
    return False


def apply(files: Files, step: tuple[str, str, str]) -> str:
    """Do one step; how it went is the answer."""
    verb, path, other = step
    plain = Attributes(mode=0o640)
    try:
        if verb == "write":
            files.write(path, other.encode(), plain)
        elif verb == "mkdir":
            files.mkdir(path, Attributes(mode=0o750))
        elif verb == "symlink":
            files.symlink(path, other)
        elif verb == "link":
            files.link(path, other)
        elif verb == "remove":
            files.remove(path)
        else:
            files.set_attributes(path, Attributes(mode=0o600))
    except OSError as error:
        return f"error {error.errno}"
    return "done"


def look(files: Files, path: str, depth: int = 0) -> object:
    """Everything below ``path`` that a task could see."""
    found = files.stat(path, follow=False)
    if found is None:
        return None
    if found.kind == "directory":
        names = files.listdir(path)
        return {name: look(files, posixpath.join(path, name), depth + 1) for name in names}
    if found.kind == "link":
        return ("link", files.readlink(path))
    return (found.mode, found.size, files.read(path))


def steps(root: str, seed: int) -> list[tuple[str, str, str]]:
    rolled = random.Random(seed)

    def path() -> str:
        return posixpath.join(root, *rolled.choices(NAMES, k=rolled.randint(1, 3)))

    verbs = ("write", "mkdir", "mkdir", "symlink", "link", "remove", "attributes")
    made = []
    for _ in range(40):
        verb = rolled.choice(verbs)
        other = rolled.choice((path(), *NAMES, "../b")) if verb == "symlink" else path()
        made.append((verb, path(), other))
    return made


@pytest.mark.parametrize("seed", range(30))
def test_planned_and_real_files_agree_after_every_step(seed: int, tmp_path: Path) -> None:
    root = str(tmp_path)
    real, planned = LocalFiles(), PlannedFiles(LocalFiles(), never)
    for step in steps(root, seed):  # what lies there before anything is planned
        apply(real, step)
    todo = steps(root, seed + 1000)
    foreseen = [(apply(planned, step), look(planned, root)) for step in todo]
    for step, (answer, seen) in zip(todo, foreseen, strict=True):
        before = look(real, root)
        assert answer.partition(" ")[0] == apply(real, step).partition(" ")[0], step
        assert seen == look(real, root), (step, before)


def test_the_files_below_are_never_changed(tmp_path: Path) -> None:
    files = LocalFiles()
    for step in steps(str(tmp_path), 1):
        apply(files, step)
    before = look(files, str(tmp_path))
    planned = PlannedFiles(files, never)
    for step in steps(str(tmp_path), 2):
        apply(planned, step)
    assert look(files, str(tmp_path)) == before


def test_a_planned_link_leads_later_paths() -> None:
    host = FakeHost()
    host.files.seed("/srv/real/file", "text")
    planned = PlannedHost(host)
    planned.files.symlink("/opt", "/srv/real")
    assert planned.files.read("/opt/file") == b"text"
    planned.files.write("/opt/new", b"1", Attributes(mode=0o644))
    assert planned.files.read("/srv/real/new") == b"1"
    assert planned.files.listdir("/opt") == ("file", "new")


def test_a_missing_directory_may_be_a_packages() -> None:
    planned = PlannedHost(FakeHost())
    with pytest.raises(FileNotFoundError):
        planned.files.write("/etc/nginx/site", b"", Attributes(mode=0o644))
    planned.execute(("make", "install"))
    planned.files.write("/etc/nginx/site", b"", Attributes(mode=0o644))
    assert planned.files.listdir("/etc/nginx") == ("site",)
    assert planned.commands == [("make", "install")]
