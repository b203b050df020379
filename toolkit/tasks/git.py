"""``git``: a folder is a checkout of this version of a repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit.core.errors import (
    CommandError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from toolkit.core.process import Completed
from toolkit.tasks import paths
from toolkit.tasks.git_changes import Checkout, head_of, program
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task

_SHA = re.compile(r"[0-9a-f]{7,64}")


@task("git")
@dataclass(frozen=True, kw_only=True, slots=True)
class Git:
    """Hold a checkout of a repository; Ansible's ``git``.

    ``version`` is a branch, a tag, a commit or ``HEAD``. ``update: false`` leaves a checkout that
    is there at what it is, ``clone: false`` makes none. ``force`` throws away what was changed in
    it, which is otherwise refused. ``depth`` fetches so many commits only. ``key_file`` is the key
    of an SSH login; ``accept_hostkey`` takes the key of a host that is not known yet.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "repo"}

    repo: str
    dest: str
    version: str = "HEAD"
    remote: str = "origin"
    update: bool = True
    clone: bool = True
    force: bool = False
    bare: bool = False
    depth: int | None = None
    single_branch: bool = False
    recursive: bool = True
    key_file: str | None = None
    accept_hostkey: bool = False
    executable: str | None = None

    def __post_init__(self) -> None:
        for name in ("repo", "version", "remote"):
            if getattr(self, name).startswith("-") or not getattr(self, name):
                raise InvalidInputError(f"{name} cannot be '{getattr(self, name)}'")
        if self.depth is not None and self.depth < 1:
            raise InvalidInputError("depth is at least 1")

    def plan(self, host: Host) -> Plan:
        """Compare the checkout with the version that the repository has."""
        dest = paths.absolute(host, self.dest)
        before = head_of(host, dest, bare=self.bare)
        values: dict[str, Any] = {"before": before or None, "remote_url_changed": False}
        if before and not self.update:
            return values | {"after": before}
        if not before:
            self._allow_new(host, dest)
        wanted, branch = self._wanted(host, before)
        modified = bool(before) and self._modified(host, dest)
        if modified and not self.force:
            raise ConflictError(
                f"'{dest}' holds changes that are not committed",
                hint="commit or remove them; 'force: true' throws them away",
            )
        if not before and not self.clone:
            return values | {"after": wanted}
        if wanted != before or modified:
            yield self._change(dest, before, wanted, branch)
        return values | {"after": wanted}

    def _change(self, dest: str, before: str, wanted: str, branch: str) -> Checkout:
        return Checkout(
            repo=self.repo,
            dest=dest,
            branch=branch,
            old=before,
            new=wanted,
            remote=self.remote,
            bare=self.bare,
            depth=self.depth or 0,
            single_branch=self.single_branch,
            recursive=self.recursive and not self.bare,
            git=self.executable or "git",
            ssh=self._ssh(),
        )

    def _ssh(self) -> str:
        words = ["ssh", "-o", "BatchMode=yes"]
        if self.accept_hostkey:
            words += ["-o", "StrictHostKeyChecking=accept-new"]
        if self.key_file:
            words += ["-i", self.key_file, "-o", "IdentitiesOnly=yes"]
        return " ".join(words)

    def _git(self, host: Host, *words: str) -> Completed:
        argv = program(self.executable or "git", self._ssh(), *words)
        done = host.run(argv, timeout=120)
        if done.status == 127:
            raise UnsupportedError("this host has no 'git'", hint="install the package 'git'")
        return done

    def _allow_new(self, host: Host, dest: str) -> None:
        found = host.files.stat(dest)
        if found and found.kind != "directory":
            raise ConflictError(f"'{dest}' is a {found.kind}, not a checkout")
        if found and host.files.listdir(dest) and self.clone:
            raise ConflictError(
                f"'{dest}' holds files and is no checkout", hint="name a folder that is empty"
            )

    def _wanted(self, host: Host, before: str) -> tuple[str, str]:
        """The commit that the repository has for the version, and the branch that leads there."""
        done = self._git(host, "ls-remote", "--", self.repo)
        if done.status != 0:
            if not before and host.may_appear(self.repo):
                return self.version, ""
            raise CommandError(("git", "ls-remote", self.repo), done.status, done.stderr)
        rows = [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]
        known = {name: commit for commit, name in rows}
        if self.version == "HEAD" and "HEAD" in known:
            return known["HEAD"], "HEAD"
        if (branch := f"refs/heads/{self.version}") in known:
            return known[branch], self.version
        tag = f"refs/tags/{self.version}"
        for name in (f"{tag}^{{}}", tag, self.version):
            if name in known:
                return known[name], ""
        if _SHA.fullmatch(self.version):
            told = [each for each in known.values() if each.startswith(self.version)]
            return told[0] if told else self._whole(before), ""
        raise NotFoundError(f"'{self.repo}' has no branch, tag or commit '{self.version}'")

    def _whole(self, before: str) -> str:
        """A commit that no name leads to: what is here, if it is that one, else as it was given."""
        return before if before.startswith(self.version) else self.version

    def _modified(self, host: Host, dest: str) -> bool:
        if self.bare or host.planned:
            return False
        done = self._git(host, "-C", dest, "status", "--porcelain", "--untracked-files=no")
        return bool(done.stdout.strip())
