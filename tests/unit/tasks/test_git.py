"""``git``, with the real program and repositories in folders of the test's own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.tasks import described, run
from toolkit.core.errors import CommandError, ConflictError, InvalidInputError, NotFoundError
from toolkit.tasks.changes import from_data, to_data
from toolkit.tasks.local import LocalHost
from toolkit.tasks.planned import PlannedHost

ENV = {
    "PATH": "/usr/bin:/bin",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Origin:
    """A repository with a branch that grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.first = self.commit("one")
        self.git("tag", "-a", "v1", "-m", "first")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ("git", "-C", self.path, *words), env=ENV, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        (self.path / "file").write_text(text)
        self.git("add", "file")
        self.git("commit", "--quiet", "-m", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def origin(
    tmp_path: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Origin:
    require("git")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ENV[name])
    return Origin(tmp_path / "origin")


def test_a_checkout_follows_its_branch(origin: Origin, tmp_path: Path) -> None:
    host, dest = LocalHost(), tmp_path / "app"
    what = {"repo": str(origin.path), "dest": str(dest), "version": "main"}
    planned = PlannedHost(host)
    foreseen = run(planned, "git", **what)
    assert not run(planned, "git", **what).changed
    assert not dest.exists()
    made = run(host, "git", **what)
    assert described(made) == described(foreseen)
    assert (made.values["before"], made.values["after"]) == (None, origin.first)
    assert (dest / "file").read_text() == "one"
    assert not run(host, "git", **what).changed
    second = origin.commit("two")
    assert not run(host, "git", **what, update=False).changed
    moved = run(host, "git", **what)
    assert (moved.values["before"], moved.values["after"]) == (origin.first, second)
    assert (dest / "file").read_text() == "two"
    assert (dest / ".git/HEAD").read_text() == "ref: refs/heads/main\n"
    back = moved.changes[0].inverse()
    assert back is not None
    from_data(to_data(back)).apply(host)
    assert (dest / "file").read_text() == "one"


@pytest.mark.parametrize("kind", ["tag", "commit", "HEAD"])
def test_a_version_is_a_tag_a_commit_or_the_head(origin: Origin, tmp_path: Path, kind: str) -> None:
    origin.commit("two")
    version = {"tag": "v1", "commit": origin.first, "HEAD": "HEAD"}[kind]
    dest = tmp_path / "app"
    what = {"repo": str(origin.path), "dest": str(dest), "version": version}
    run(LocalHost(), "git", **what)
    assert (dest / "file").read_text() == ("two" if kind == "HEAD" else "one")
    assert not run(LocalHost(), "git", **what).changed


def test_what_was_changed_is_kept_unless_forced(origin: Origin, tmp_path: Path) -> None:
    dest = tmp_path / "app"
    what = {"repo": str(origin.path), "dest": str(dest)}
    run(LocalHost(), "git", **what)
    (dest / "file").write_text("mine")
    with pytest.raises(ConflictError, match="changes that are not committed"):
        run(LocalHost(), "git", **what)
    assert run(LocalHost(), "git", **what, force=True).changed
    assert (dest / "file").read_text() == "one"


def test_few_commits_are_fetched_when_asked(origin: Origin, tmp_path: Path) -> None:
    origin.commit("two")
    dest = tmp_path / "app"
    what = {"repo": f"file://{origin.path}", "dest": str(dest), "depth": 1}
    run(LocalHost(), "git", **what)
    assert (dest / ".git/shallow").exists()
    origin.commit("three")
    run(LocalHost(), "git", **what)
    assert (dest / "file").read_text() == "three"


def test_a_bare_one_has_no_files(origin: Origin, tmp_path: Path) -> None:
    dest = tmp_path / "app.git"
    what = {"repo": str(origin.path), "dest": str(dest), "bare": True, "version": "main"}
    run(LocalHost(), "git", **what)
    second = origin.commit("two")
    assert run(LocalHost(), "git", **what).values["after"] == second
    assert not run(LocalHost(), "git", **what).changed
    assert not (dest / "file").exists()


def test_what_cannot_be_checked_out_is_told(origin: Origin, tmp_path: Path) -> None:
    dest = str(tmp_path / "app")
    with pytest.raises(NotFoundError, match="no branch, tag or commit 'nope'"):
        run(LocalHost(), "git", repo=str(origin.path), dest=dest, version="nope")
    with pytest.raises(CommandError):
        run(LocalHost(), "git", repo=str(tmp_path / "none"), dest=dest)
    with pytest.raises(InvalidInputError, match="repo cannot be '--upload-pack=x'"):
        run(LocalHost(), "git", repo="--upload-pack=x", dest=dest)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    with pytest.raises(ConflictError, match="holds files and is no checkout"):
        run(LocalHost(), "git", repo=str(origin.path), dest=str(tmp_path / "full"))
    shutil.rmtree(origin.path)
