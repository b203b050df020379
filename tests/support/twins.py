"""Twin hosts: a playbook is run by ansible-core on one, by us on the other; both must end equal.

Every ``*.yml`` in a folder of ``tests/root/twins`` is such a playbook: drop one there and it is a
test. ``language`` holds those about the language and its running, ``modules`` those about modules.
What a playbook needs lies in ``tests/root/twins/FOLDER/NAME.d`` (``files``, ``templates``,
``roles``, ``group_vars``, other files of tasks): it is laid beside the playbook. ``inventory.ini``
there, or a folder ``inventory``, replaces the usual inventory, which holds the one host ``box``,
this machine.

Compared are: the exit status (failed, unreachable, well), how each task ended on each host, what
every ``register`` of the playbook holds at the end (``VOLATILE`` keys apart), and each file that
either run wrote: its kind, content, mode, owner, link. A host that failed has no registered values
to compare, so let a task fail with ``ignore_errors`` or in a block.

Comments at a playbook's head say more, one a line:

``# options: --tags a -e b=1``      words that both commands take
``# twice``                         run it a second time, and compare that as well
``# fails``                         its end is a failure, in both
``# differs: PATTERN: reason``      what need not be equal, as ``registered box.made.msg``,
                                    ``file /srv/a``, ``task Name of it``, or the same with ``*``;
                                    a pattern that fits no difference is a failure
``# may differ: PATTERN: reason``   the same for what chance decides
"""

import concurrent.futures
import fnmatch
import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.box import Box, make_box

TWINS = Path(__file__).parent.parent / "root/twins"
CALLBACK = Path(__file__).parent / "twin_callback"
VOLATILE = frozenset(
    [
        "start",
        "end",
        "delta",
        "atime",
        "ctime",
        "mtime",
        "birthtime",
        "inode",
        "dev",
        "device_type",
        "version",
        "invocation",
        "ansible_job_id",
        "results_file",
        "exception",
        "warnings",
        "deprecations",
        "diff",
        "failed_when_suppressed_exception",
    ]
)
# Where the two programs themselves keep something.
OWN = (
    "/root/.ansible",
    "/root/.cache",
    "/root/.local",
    "/run",
    "/tmp",
    "/old",
    "/var/lib/dockyard",
    "/srv/.twin",
)
USUAL = "box ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"
REPORT = "/srv/.twin"
SILENT = frozenset({"meta", "include_tasks", "include_role", "import_tasks", "import_role"})
UNCOUNTED = ("Gathering Facts", "twin report")
_TEMPORARY = re.compile(r"/[^\s'\"]*/ansible-(?:tmp|local)-[^\s'\"]*")
_REGISTERS = """
- hosts: all
  gather_facts: false
  tasks:
    - name: twin report
      copy:
        content: "{{{{ {{{pairs}}} | to_json }}}}"
        dest: {report}.{{{{ inventory_hostname }}}}
"""


@dataclass(frozen=True, kw_only=True)
class Twin:
    """One playbook and what its head says."""

    playbook: Path
    options: tuple[str, ...]
    twice: bool
    fails: bool
    differs: tuple[str, ...]
    may_differ: tuple[str, ...] = ()

    @classmethod
    def read(cls, playbook: Path) -> "Twin":
        """The playbook with what its comments say."""
        lines = [line[1:].strip() for line in playbook.read_text().splitlines() if line[:1] == "#"]
        options = [line.removeprefix("options:") for line in lines if line.startswith("options:")]
        differs = [line.removeprefix("differs:") for line in lines if line.startswith("differs:")]
        may = [line.removeprefix("may differ:") for line in lines if line.startswith("may differ:")]
        for line in (*differs, *may):
            assert ": " in line, f"{playbook}: 'differs' needs a reason: {line}"
        return cls(
            playbook=playbook,
            options=tuple(word for text in options for word in shlex.split(text)),
            twice="twice" in lines,
            fails="fails" in lines,
            differs=tuple(line.rpartition(": ")[0].strip() for line in differs),
            may_differ=tuple(line.rpartition(": ")[0].strip() for line in may),
        )

    def unexpected(self, found: list[str]) -> list[str]:
        """The differences that its head does not allow, and what it allows in vain."""
        vain = [
            f"'# differs: {pattern}' fits nothing"
            for pattern in self.differs
            if not any(_fits(line, pattern) for line in found)
        ]
        allowed = (*self.differs, *self.may_differ)
        left = [line for line in found if not any(_fits(line, each) for each in allowed)]
        return left + vain


def _fits(line: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(line.partition(": ")[0], pattern)


def playbooks(folder: str) -> list[Path]:
    """The playbooks of one folder."""
    return sorted((TWINS / folder).glob("*.yml"))


def differences(playbook: Path, folder: Path) -> list[str]:
    """Run a playbook on both hosts; every difference that its head does not explain."""
    twin = Twin.read(playbook)
    site = _laid_out(twin, folder / "site")
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        sides = [threads.submit(run, twin, site, folder) for run in (_ours, _theirs)]
        ours, theirs = (side.result(timeout=800) for side in sides)
    found = [
        line for one, other in zip(ours, theirs, strict=True) for line in _compared(one, other)
    ]
    # Where both fail by mistake there is nothing to compare.
    odd = [seen for seen in theirs if (seen.status == "well") == twin.fails]
    found += [f"end: {seen.status} with ansible-core\n{seen.output}" for seen in odd]
    return twin.unexpected(found)


def _laid_out(twin: Twin, site: Path) -> Path:
    """A folder with the playbook, what it needs, an inventory, and the report of registers."""
    beside = twin.playbook.with_suffix(".d")
    if beside.is_dir():
        shutil.copytree(beside, site, symlinks=True)
    site.mkdir(exist_ok=True)
    shutil.copytree(CALLBACK, site / ".callback")
    if not _inventory(site):
        (site / "inventory.ini").write_text(USUAL)
    text = twin.playbook.read_text()
    files = [text, *(path.read_text() for path in site.rglob("*.yml"))]
    names = sorted({name for each in files for name in _registers(yaml.load(each, _Loose))})
    pairs = ", ".join(f"'{name}': {name} | default('UNDEFINED')" for name in names)
    (site / "site.yml").write_text(text + _REGISTERS.format(pairs=pairs, report=REPORT))
    return site


def _inventory(site: Path) -> str:
    """The name of the inventory beside a playbook, empty where there is none."""
    names = ("inventory", "inventory.ini")
    return next((name for name in names if (site / name).exists()), "")


class _Loose(yaml.SafeLoader):
    """Takes any tag: ``!vault`` and ``!unsafe`` are text here."""


_Loose.add_multi_constructor("!", lambda loader, _, node: str(node.value))


def _registers(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        if isinstance(data.get("register"), str):
            yield data["register"]
        for value in data.values():
            yield from _registers(value)
    elif isinstance(data, list):
        for value in data:
            yield from _registers(value)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one run left."""

    output: str
    status: str
    tasks: Mapping[str, list[tuple[str, str]]]
    registered: Mapping[str, Any]
    files: Mapping[str, str]


def _ours(twin: Twin, site: Path, folder: Path) -> list[Seen]:
    words = ("apply", "site.yml", "-i", _inventory(site), "--json", *twin.options)
    argv = (sys.executable, "-P", "-m", "toolkit.cli.entry", *words)
    seen = []
    with _box(folder / "ours", site) as box:
        for _ in range(1 + twin.twice):
            done = box.run(*_at(site, argv), check=False)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
            ended = [
                line
                for line in lines
                if line["kind"] == "task.done" and line["item"] is None and line["index"] >= 0
            ]
            tasks = [(line["host"], line["task"], line["module"], line) for line in ended]
            seen.append(_seen(box, done.stdout + done.stderr, done.returncode, tasks))
    return seen


def _theirs(twin: Twin, site: Path, folder: Path) -> list[Seen]:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    argv = (sys.executable, program, "site.yml", "-i", _inventory(site), *twin.options)
    env = {
        "ANSIBLE_CALLBACK_PLUGINS": str(site / ".callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "twin",
        "ANSIBLE_HOME": "/run/ansible",
        "ANSIBLE_REMOTE_TMP": "/run/ansible/remote",
        "ANSIBLE_LOCAL_TEMP": "/run/ansible/local",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "LC_ALL": "C.UTF-8",
        "TWIN_LOG": "/run/twin.log",
    }
    seen = []
    with _box(folder / "theirs", site) as box:
        log = box.root / "run/twin.log"
        for _ in range(1 + twin.twice):
            log.write_text("")
            done = box.run(*_at(site, argv), check=False, env=env)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            tasks = [(line["host"], line["task"], line["module"], line) for line in lines]
            seen.append(_seen(box, done.stdout + done.stderr, done.returncode, tasks))
    return seen


def _box(base: Path, site: Path) -> Any:
    base.mkdir()
    return make_box(base, shown=(site,))


def _at(site: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    return ("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(site), *argv)


def _seen(
    box: Box, output: str, status: int, tasks: list[tuple[str, str, str, Mapping[str, Any]]]
) -> Seen:
    ended: dict[str, list[tuple[str, str]]] = {}
    for host, name, module, line in tasks:
        if module not in SILENT and name not in UNCOUNTED:
            shown = str(line["status"]) + (" (ignored)" if line["ignored"] else "")
            ended.setdefault(host, []).append((name, shown))
    registered = {}
    for path in (box.root / "srv").glob(".twin.*"):
        registered[path.name.removeprefix(".twin.")] = _settled(json.loads(path.read_text()))
        path.unlink()
    return Seen(
        output=output,
        status={0: "well", 4: "unreachable"}.get(status, "failed"),
        tasks=ended,
        registered=registered,
        files={path: _described(box.root / path[1:]) for path in _written(box)},
    )


def _settled(value: Any) -> Any:
    """A registered value without what no two runs have in common."""
    if isinstance(value, Mapping):
        return {key: _settled(each) for key, each in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [_settled(each) for each in value]
    return _TEMPORARY.sub("TEMPORARY", value) if isinstance(value, str) else value


def _written(box: Box) -> Iterator[str]:
    for folder, folders, files in os.walk(box.upper):
        for name in (*folders, *files):
            path = "/" + str((Path(folder) / name).relative_to(box.upper))
            if not path.startswith(OWN) and "__pycache__" not in path:
                yield path


def _described(path: Path) -> str:
    """Kind, mode, owner and content of a file in one line."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return "gone"
    owner = f"{found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"link to {os.readlink(path)} {owner}"
    head = f"{stat.filemode(found.st_mode)} {owner}"
    if not stat.S_ISREG(found.st_mode):
        return head
    data = path.read_bytes()
    text = repr(data.decode()) if len(data) < 200 and data.isascii() else ""
    return f"{head} {text or hashlib.sha256(data).hexdigest()}"


def _compared(ours: Seen, theirs: Seen) -> Iterator[str]:
    if ours.status != theirs.status:
        yield f"exit: {ours.status} here, {theirs.status} with ansible-core"
        yield from (f"exit: {seen.output}" for seen in (ours, theirs))
    for host in sorted({*ours.tasks, *theirs.tasks}):
        one, other = ours.tasks.get(host, []), theirs.tasks.get(host, [])
        if [name for name, _ in one] != [name for name, _ in other]:
            yield f"order {host}: {one} here, {other} with ansible-core"
            continue
        for (name, here), (_, there) in zip(one, other, strict=True):
            if here != there:
                yield f"task {name}: {here} here, {there} with ansible-core"
    yield from _values("registered", ours.registered, theirs.registered)
    for path in sorted({*ours.files, *theirs.files}):
        # What a run did not touch is as it is on this machine, of which both are copies.
        here, there = (seen.files.get(path) or _described(Path(path)) for seen in (ours, theirs))
        if here != there:
            yield f"file {path}: {here} here, {there} with ansible-core"


def _is_wording(key: str, theirs: Mapping[str, Any]) -> bool:
    """Each program explains a failure of its own in its own words; it also names its own files."""
    value = theirs.get(key)
    explains = key == "msg" and str(value).startswith("Task failed:")
    return bool(value == "TEMPORARY" or (theirs.get("failed") is True and explains))


def _values(at: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*ours, *theirs}):
            if _is_wording(key, theirs):
                continue
            where = f"{at}.{key}" if "." in at or " " in at else f"{at} {key}"
            if key not in ours:
                yield f"{where}: missing here, {theirs[key]!r} with ansible-core"
            elif key not in theirs:
                yield f"{where}: {ours[key]!r} here, missing with ansible-core"
            else:
                yield from _values(where, ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _values(f"{at}.{number}", one, other)
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{at}: {ours!r} here, {theirs!r} with ansible-core"
