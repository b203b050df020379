"""``apt_repository``: apt takes packages from this source, in one line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.package import refuse_others
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import UpdatePackageLists

LISTS = "/etc/apt/sources.list"
FOLDER = "/etc/apt/sources.list.d"
_SOURCE = re.compile(r"deb(-src)?\s+(\[[^]]*\]\s+)?\S+\s+\S+(\s+\S+)*")  # sources.list(5)


@task("apt_repository")
@dataclass(frozen=True, kw_only=True, slots=True)
class AptRepository:
    """Hold one source of packages; Ansible's ``apt_repository``.

    ``repo`` is a line of sources.list(5). A new one goes to ``filename`` in ``sources.list.d``,
    by default named after its address; ``absent`` takes it out of every file. The package lists are
    fetched after a change, unless ``update_cache`` is false.
    """

    repo: str
    state: Presence = Presence.PRESENT
    filename: str | None = None
    mode: str = "0644"
    update_cache: bool = True

    def __post_init__(self) -> None:
        if self.repo.startswith("ppa:"):
            raise InvalidInputError(
                "an archive of Launchpad is no source that can be written without asking it",
                hint="write the line that it stands for, with signed-by",
            )
        if not _SOURCE.fullmatch(self.repo.strip()):
            raise InvalidInputError(
                f"'{self.repo}' is no line of sources.list",
                hint="deb [signed-by=KEY] ADDRESS SUITE COMPONENT…",
            )
        if self.filename and "/" in self.filename:
            raise InvalidInputError("filename is a name, without a slash")

    def plan(self, host: Host) -> Plan:
        """Compare the files with the source."""
        refuse_others(host)
        changed = False
        change: Change
        for change in self._edits(host):
            changed = True
            yield change
        if changed and self.update_cache:
            yield UpdatePackageLists()
        return {"repo": self.repo, "state": self.state.value}

    def _edits(self, host: Host) -> Iterator[Change]:
        line = self.repo.strip()
        have = [path for path in _files(host) if line in _sources(host, path)]
        if self.state is Presence.ABSENT:
            for path in have:
                yield from _without(host, path, line)
        elif not have:
            path = f"{FOLDER}/{self.filename or _name_of(line)}.list"
            text = paths.text_of(host, path)
            keep = paths.Ownership(owner=None, group=None, mode=self.mode)
            yield from paths.make_directories(host, FOLDER, paths.KEEP)
            ended = text if text.endswith("\n") or not text else f"{text}\n"
            yield from paths.write(host, path, paths.as_bytes(f"{ended}{line}\n"), keep)


def _files(host: Host) -> list[str]:
    found = [LISTS] if host.files.stat(LISTS) else []
    if host.files.stat(FOLDER):
        names = (name for name in host.files.listdir(FOLDER) if name.endswith(".list"))
        found += [f"{FOLDER}/{name}" for name in names]
    return found


def _sources(host: Host, path: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in paths.text_of(host, path).splitlines())
    return [line for line in lines if line]


def _without(host: Host, path: str, line: str) -> Iterator[Change]:
    kept = [
        each
        for each in paths.text_of(host, path).splitlines()
        if each.partition("#")[0].strip() != line
    ]
    if any(each.strip() for each in kept) or path == LISTS:
        data = paths.as_bytes("".join(f"{each}\n" for each in kept))
        yield from paths.write(host, path, data, paths.KEEP)
    else:
        yield from paths.remove(host, path)


def _name_of(line: str) -> str:
    """A file's name made of the source's address and suite."""
    words = re.sub(r"\[[^]]*\]", "", line).split()
    address = re.sub(r"^\w+://([^@/]*@)?", "", words[1])
    return re.sub(r"[^A-Za-z0-9]+", "_", f"{address} {' '.join(words[2:])}").strip("_")
