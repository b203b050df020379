"""``dockyard check`` without its command line: select, connect, gather, judge, report."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.text import Text

from toolkit.conformance import report, suite
from toolkit.conformance.check import Check
from toolkit.conformance.drivers.choice import parse
from toolkit.conformance.evaluate import Result
from toolkit.conformance.fixtures import Checks
from toolkit.conformance.gather import HostSession
from toolkit.conformance.machine import TIMEOUT, Link
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.files import shipped

DONE, FAILED, UNREACHABLE, INTERRUPTED = 0, 1, 4, 130
# A fault of pytest's or of ours is none of these, and must never pass for proof.
_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What to check. ``ids`` are exact; ``expression`` is pytest's ``-k``.

    ``runtimes`` are as on the command line (``oci:/usr/sbin/runc``). ``junit`` and ``json`` are
    files to write; ``json`` ``-`` is the console, in place of the table. ``timeout`` is what one
    program on a host may take, in seconds.
    """

    runtimes: tuple[str, ...] = ("embedded",)
    areas: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    tier: int | None = None
    expression: str = ""
    junit: str = ""
    json: str = ""
    forks: int = 5
    timeout: float = TIMEOUT
    folder: str = field(default_factory=lambda: shipped("checks"))


def run_checks(
    options: Options, hosts: Mapping[str, Callable[[], Link]], *, console: Console
) -> int:
    """Check every host under every runtime; 0 only if nothing failed.

    ``hosts`` opens each host's link, which stays the caller's to close. 1: a check failed, or a
    runtime could not be judged. 4: a host could not be reached. Bad input raises
    ``InvalidInputError`` before any host is touched.
    """
    checks = selected(options)
    if not hosts:
        raise InvalidInputError("there is no host to check", hint="the inventory is empty")
    choices = [parse(name) for name in dict.fromkeys(options.runtimes)]
    for path in (options.junit, options.json):
        _writable(path)
    sessions = [
        HostSession(name, connect, timeout=options.timeout) for name, connect in hosts.items()
    ]
    wanted = {check.id for check in checks}
    plugin = Checks(sessions, choices, wanted=lambda check: check.id in wanted, forks=options.forks)
    ended = _pytest(options, plugin)
    results = report.ordered(plugin.results)
    if ended == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise InvalidInputError(f"no check matches '{options.expression}'")
    if ended not in _JUDGED:
        raise ToolkitError(f"the checks could not be run: pytest ended with status {ended}")
    titles = {check.id: check.title for check in checks}
    _write(options, results, titles, console)
    for what in plugin.left_behind:
        console.print(Text(f"left behind on {what}"), soft_wrap=True)
    if ended == pytest.ExitCode.INTERRUPTED:
        return INTERRUPTED
    if any(session.unreachable for session in sessions):
        return UNREACHABLE
    bad = any(result.verdict == "fail" or result.unproven for result in results)
    return FAILED if bad or plugin.left_behind else DONE


def selected(options: Options) -> list[Check]:
    """The checks that the options leave; ``InvalidInputError`` if an area or id is unknown."""
    checks = suite.load(options.folder)
    return suite.select(checks, areas=options.areas, tier=options.tier, ids=options.ids)


def _pytest(options: Options, plugin: Checks) -> int:
    arguments = [
        options.folder,
        # Nothing of the user's own pytest may change a verdict: no configuration, no plugins.
        f"--rootdir={options.folder}",
        f"--confcutdir={options.folder}",
        "--config-file=" + os.devnull,
        "--disable-plugin-autoload",
        "--import-mode=importlib",
        "--capture=no",
        *("-p", "no:cacheprovider", "-p", "no:terminal"),
    ]
    if options.expression:
        arguments += ["-k", options.expression]
    with _without(("PYTEST_ADDOPTS", "PYTEST_PLUGINS")), _ended_politely():
        return int(pytest.main(arguments, plugins=[plugin]))


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, which pytest answers by cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """pytest reads these itself, so they must be out of the environment while it runs."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _write(
    options: Options, results: list[Result], titles: Mapping[str, str], console: Console
) -> None:
    if options.junit:
        with open(options.junit, "w", encoding="utf-8") as file:
            file.write(report.junit(results, titles))
    if options.json == "-":
        console.file.write(report.json_lines(results))
        return
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(report.json_lines(results))
    report.show(results, titles, console)


def _writable(path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if path not in ("", "-") and not os.path.isdir(folder):
        raise InvalidInputError(f"no directory '{folder}' to write '{os.path.basename(path)}' in")
