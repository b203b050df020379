"""The change that makes or moves a checkout."""

import posixpath
import re

from toolkit.core.errors import CommandError
from toolkit.core.record import record
from toolkit.facts.machine import text
from toolkit.tasks.changes import Change, Difference, change_kind
from toolkit.tasks.host import Attributes, Host

_SHA = re.compile(r"[0-9a-f]{40,64}")
_SHORT = 7


def program(git: str, ssh: str, *words: str) -> tuple[str, ...]:
    """git that asks nobody anything, and logs in by ``ssh``."""
    return ("env", "GIT_TERMINAL_PROMPT=0", f"GIT_SSH_COMMAND={ssh}", "LC_ALL=C", git, *words)


def head_of(host: Host, dest: str, *, bare: bool) -> str:
    """The commit that is checked out, ``""`` where none is; gitrepository-layout(5)."""
    folder = dest if bare else posixpath.join(dest, ".git")
    head = text(host, posixpath.join(folder, "HEAD")).strip()
    if not head.startswith("ref: "):
        return head if _SHA.fullmatch(head) else ""
    name = head.removeprefix("ref: ")
    loose = text(host, posixpath.join(folder, name)).strip()
    if loose:
        return loose
    for line in text(host, posixpath.join(folder, "packed-refs")).splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return ""


@change_kind("checkout")
@record
class Checkout(Change):
    """Have ``dest`` be a checkout of the commit ``new``; ``old`` is what it is now, or ``""``.

    ``branch`` is the local branch that leads there; ``HEAD`` stands for the one that is checked
    out, ``""`` for none.
    """

    repo: str
    dest: str
    branch: str
    old: str
    new: str
    remote: str = "origin"
    bare: bool = False
    depth: int = 0
    single_branch: bool = False
    recursive: bool = True
    git: str = "git"
    ssh: str = "ssh"

    def describe(self) -> str:
        """``clone REPO to /srv/app at 1a2b3c4``, or ``check out 1a2b3c4 in /srv/app``."""
        if not self.old:
            return f"clone {self.repo} to {self.dest} at {self.new[:_SHORT]}"
        return f"check out {self.new[:_SHORT]} in {self.dest}"

    def apply(self, host: Host) -> None:
        """Clone or fetch, then check out."""
        steps = self._fetched() if self.old else self._cloned()
        for words in (*steps, *self._settled()):
            argv = program(self.git, self.ssh, *words)
            done = host.execute(argv)
            if done is None:
                self._imagine(host)
                return
            if done.status != 0:
                raise CommandError((self.git, *words), done.status, done.stderr)

    def _cloned(self) -> tuple[tuple[str, ...], ...]:
        words = ["clone", "--quiet", "--origin", self.remote]
        words += ["--bare"] if self.bare else ["--no-checkout"]
        words += ["--depth", str(self.depth)] if self.depth else []
        words += ["--single-branch"] if self.single_branch else []
        words += ["--branch", self.branch] if self.branch not in ("", "HEAD") else []
        return ((*words, "--", self.repo, self.dest),)

    def _fetched(self) -> tuple[tuple[str, ...], ...]:
        at = ("-C", self.dest)
        depth = ("--depth", str(self.depth)) if self.depth else ()
        wanted = f"+refs/heads/*:refs/remotes/{self.remote}/*"
        if self.depth:
            wanted = self.new
        if self.bare:
            wanted = "+refs/heads/*:refs/heads/*"
        return (
            (*at, "remote", "set-url", self.remote, self.repo),
            (*at, "fetch", "--quiet", "--tags", "--force", *depth, self.remote, wanted),
        )

    def _settled(self) -> tuple[tuple[str, ...], ...]:
        """The branch is moved along; without one, the commit stands for itself."""
        if self.bare:
            return ()
        at = ("-C", self.dest)
        steps: list[tuple[str, ...]] = []
        if not self.branch:
            steps.append((*at, "checkout", "--quiet", "--force", "--detach", self.new))
        elif self.branch != "HEAD":
            steps.append((*at, "checkout", "--quiet", "--force", "-B", self.branch, self.new))
        steps.append((*at, "reset", "--quiet", "--hard", self.new))
        if self.recursive:
            update = ("update", "--init", "--recursive", "--force")
            steps.append((*at, "submodule", "--quiet", *update))
        return tuple(steps)

    def _imagine(self, host: Host) -> None:
        """On a planned host: a checkout that has this commit."""
        folder = self.dest if self.bare else posixpath.join(self.dest, ".git")
        missing, here = [], folder
        while host.files.stat(here) is None:
            missing.append(here)
            here = posixpath.dirname(here)
        for each in reversed(missing):
            host.files.mkdir(each, Attributes(mode=0o755))
        head = posixpath.join(folder, "HEAD")
        host.files.write(head, f"{self.new}\n".encode(), Attributes(mode=0o644))

    def inverse(self) -> Change | None:
        """Check out what was there before; a clone stays."""
        if not self.old:
            return None
        return Checkout(
            repo=self.repo,
            dest=self.dest,
            branch=self.branch,
            old=self.new,
            new=self.old,
            remote=self.remote,
            bare=self.bare,
            recursive=self.recursive,
            git=self.git,
            ssh=self.ssh,
        )

    def difference(self) -> Difference:
        """Both commits."""
        before = f"{self.old}\n" if self.old else ""
        return Difference(before=before, after=f"{self.new}\n")
