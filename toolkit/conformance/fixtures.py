"""Checks as pytest items: each one once a host and runtime, with its documents as fixtures."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.check import Check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.evaluate import Result, finding_of, nothing_gathered, order, result
from toolkit.conformance.gather import BESIDE, PLAIN, HostSession, Target
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Verdict
from toolkit.core.errors import ToolkitError

Subject = Target | HostSession


class Checks:
    """A pytest plugin. ``wanted`` says which checks run; ``results`` fills as they end.

    ``left_behind`` says what could not be removed at the end.
    """

    def __init__(
        self,
        hosts: list[HostSession],
        choices: list[Choice],
        *,
        wanted: Callable[[Check], bool] = lambda _: True,
        forks: int = 5,
    ) -> None:
        self.results: list[Result] = []
        self.left_behind: list[str] = []
        self._hosts = hosts
        self._choices = choices
        self._wanted = wanted
        self._forks = forks
        self._given_up = threading.Event()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Repeat a check for every host, and for every runtime if it is about one."""
        check = _check_of(metafunc.function)
        if check is None or not self._wanted(check):
            return
        subjects: list[Subject] = list(self._hosts)
        if check.needs_box:
            subjects = [host.target(choice) for host in self._hosts for choice in self._choices]
        metafunc.parametrize("subject", subjects, ids=[_label(subject) for subject in subjects])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep what is wanted, let ``-k`` see ids, and put what ends a target last."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            check = _check_of(getattr(item, "function", None))
            (kept if check is None or self._wanted(check) else dropped).append(item)
            if check is not None:
                item.extra_keyword_matches.update((check.id, check.subject))
        config.hook.pytest_deselected(items=dropped)
        kept.sort(key=_order)
        items[:] = kept

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Gather everything that the checks need: hosts in parallel, one thread each."""
        if session.config.getoption("collectonly"):
            return
        needed: dict[HostSession, list[tuple[Target, BoxSpec]]] = {host: [] for host in self._hosts}
        for item in session.items:
            check, subject = _check_of(getattr(item, "function", None)), _subject_of(item)
            if check is None or not isinstance(subject, Target):
                continue
            specs = [check.box] if "box" in check.arguments else []
            specs += [PLAIN, BESIDE] if "other" in check.arguments else []
            needed[subject.owner] += [(subject, spec) for spec in specs]
        with ThreadPoolExecutor(max_workers=self._forks) as pool:
            try:
                list(pool.map(self._prefetch, needed, needed.values()))
            except BaseException:
                self._given_up.set()
                raise

    def _prefetch(self, host: HostSession, wanted: list[tuple[Target, BoxSpec]]) -> None:
        for target, spec in dict.fromkeys(wanted):
            if self._given_up.is_set():
                return
            try:
                target.box(spec)
            except ToolkitError:
                # Kept by the target: each check that needs this container reports it.
                if host.unreachable:
                    return

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Run a check; one that fails is a failed test, every other verdict a passed one."""
        check, subject = _check_of(pyfuncitem.function), _subject_of(pyfuncitem)
        if check is None or subject is None:
            return None
        start = time.monotonic()
        values = {name: pyfuncitem.funcargs[name] for name in check.arguments}
        finding = finding_of(check, subject, values)
        found = result(check, subject, finding, time.monotonic() - start)
        self.results.append(found)
        if finding.verdict is Verdict.FAIL:
            pytest.fail(
                f"seen {found.seen}, expected {found.expected} {found.reason}", pytrace=False
            )
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """A container that could not be had is the result of every check that needed it."""
        report: pytest.TestReport = yield  # type: ignore[assignment] # what pluggy sends
        check, subject = _check_of(getattr(item, "function", None)), _subject_of(item)
        error = call.excinfo.value if call.excinfo else None
        if call.when == "setup" and check and subject and isinstance(error, ToolkitError):
            self.results.append(result(check, subject, nothing_gathered(error), call.duration))
        return report  # type: ignore[return-value] # as above

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Remove everything that checking made."""
        for host in self._hosts:
            try:
                host.close()
            except ToolkitError as error:
                self.left_behind.append(f"{host.name}: {error.message}")

    @pytest.fixture
    def box(self, subject: Target, request: pytest.FixtureRequest) -> Box:
        """The documents of a container with the options of the check."""
        check = _check_of(request.function)
        return subject.box(check.box if check else PLAIN)

    @pytest.fixture
    def other(self, subject: Target) -> Box:
        """The documents of a second container with defaults."""
        return subject.other

    @pytest.fixture
    def host(self, subject: Subject) -> HostDoc:
        """The host's document."""
        return subject.host

    @pytest.fixture
    def after(self, subject: Target) -> HostDoc:
        """The host's document when every container is gone."""
        return subject.after

    @pytest.fixture
    def profile(self, subject: Target) -> Profile:
        """What the runtime promises by default."""
        return subject.profile

    @pytest.fixture
    def statuses(self, subject: Target) -> dict[int, int]:
        """Exit statuses: the process's and the runtime's."""
        return subject.statuses


def _check_of(function: object) -> Check | None:
    found = getattr(function, "check", None)
    return found if isinstance(found, Check) else None


def _subject_of(item: pytest.Item) -> Subject | None:
    spec = getattr(item, "callspec", None)
    found = spec.params.get("subject") if spec else None
    return found if isinstance(found, Target | HostSession) else None


def _order(item: pytest.Item) -> tuple[bool, int]:
    check = _check_of(getattr(item, "function", None))
    return order(check) if check else (False, 0)


def _label(subject: Subject) -> str:
    if isinstance(subject, Target):
        return f"{subject.name}-{subject.runtime}"
    return subject.name
