import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from support.fake_checks import FakeLink
from toolkit.conformance.session import Options, run_checks
from toolkit.core.errors import InvalidInputError, ToolkitError, UnavailableError

CHECKS = '''
import pytest
from toolkit.conformance.check import check
from toolkit.conformance.verdict import equal, not_applicable

@check("HOST-A-01", area="R")
def test_kernel(host):
    """The kernel has a name."""
    assert host.raw["kernel"]

@check("HOST-B-02", area="R")
def test_name(host):
    """The host is called vm."""
    return equal(host.hostname, {name!r})

@check("HOST-C-03", area="R")
def test_nothing(host):
    """There is nothing to see."""
    return not_applicable("nothing here")

@check("NS-D-04", area="A")
def test_box(box, profile):
    """There is a container."""
    assert box.init.ns and profile.name
'''


@pytest.fixture
def folder(tmp_path: Path, documents: dict[str, Any]) -> Callable[..., str]:
    def make(name: str = documents["host"]["hostname"]) -> str:
        # A name of its own: pytest keeps modules by name for as long as the process lives.
        subject = tmp_path / "checks" / tmp_path.name
        subject.mkdir(parents=True)
        (subject / "test_it.py").write_text(CHECKS.format(name=name))
        return str(tmp_path / "checks")

    return make


def run(link: FakeLink, **options: Any) -> tuple[int, str]:
    text = io.StringIO()
    console = Console(file=text, highlight=False)
    status = run_checks(Options(**options), {"web1": lambda: link}, console=console)
    return status, text.getvalue()


def results(path: Path) -> dict[str, str]:
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return {line["id"]: line["verdict"] for line in lines}


def test_all_well_is_0(link: FakeLink, folder: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    status, text = run(link, folder=folder(), areas=("R",), json=str(out))
    assert results(out) == {"HOST-A-01": "pass", "HOST-B-02": "pass", "HOST-C-03": "na"}
    assert status == 0
    assert text.splitlines()[-1] == "isolated: 2 checks hold"


def test_a_failure_is_1(link: FakeLink, folder: Callable[..., str], tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    status, text = run(link, folder=folder("other"), areas=("R",), junit=str(junit))
    assert status == 1
    assert "FAIL HOST-B-02 on web1 -: The host is called vm" in text
    assert 'failures="1"' in junit.read_text()


def test_json_takes_the_place_of_the_table(link: FakeLink, folder: Callable[..., str]) -> None:
    _, text = run(link, folder=folder(), areas=("R",), json="-")
    assert [json.loads(line)["host"] for line in text.splitlines()] == ["web1"] * 3


def test_an_expression_selects_by_id(link: FakeLink, folder: Callable[..., str]) -> None:
    _, text = run(link, folder=folder(), expression="HOST-A-01 or test_nothing", json="-")
    assert [json.loads(line)["id"] for line in text.splitlines()] == ["HOST-A-01", "HOST-C-03"]


def test_a_runtime_that_cannot_start_is_1(link: FakeLink, folder: Callable[..., str]) -> None:
    link.answers["container.create"] = InvalidInputError("no such image")
    status, text = run(link, folder=folder(), areas=("A",))
    assert status == 1
    assert "no such image" in text
    assert text.splitlines()[-1] == "NOT PROVEN: 1 check had nothing to judge"


def test_a_host_that_is_not_there_is_4_and_the_others_go_on(
    link: FakeLink, folder: Callable[..., str]
) -> None:
    def gone() -> FakeLink:
        raise UnavailableError("host 'web2': no route")

    text = io.StringIO()
    status = run_checks(
        Options(folder=folder(), ids=("HOST-A-01",)),
        {"web1": lambda: link, "web2": gone},
        console=Console(file=text, width=100),
    )
    assert status == 4
    assert "web1 host: 1 pass" in text.getvalue()
    assert "web2 host: 1 inconclusive" in text.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {"areas": ("Q",)},
        {"ids": ("HOST-Z-99",)},
        {"runtimes": ("podmn",)},
        {"expression": "nothing_like_this"},
        {"junit": "/nowhere/at/all.xml"},
    ],
    ids=str,
)
def test_bad_input_touches_nothing(
    link: FakeLink, folder: Callable[..., str], options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        run(link, folder=folder(), **options)
    assert link.calls == []


def test_no_host_is_no_proof(folder: Callable[..., str]) -> None:
    with pytest.raises(InvalidInputError, match="no host"):
        run_checks(Options(folder=folder()), {}, console=Console(file=io.StringIO()))


def test_the_users_own_pytest_changes_nothing(
    link: FakeLink,
    folder: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option -k nothing")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not mine')\n")
    monkeypatch.chdir(tmp_path)
    status, _ = run(link, folder=folder(), areas=("R",))
    assert status == 0
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option -k nothing"


def test_nothing_but_byte_code_is_written_where_the_checks_lie(
    link: FakeLink, folder: Callable[..., str], tmp_path: Path
) -> None:
    run(link, folder=folder(), areas=("R",))
    found = (tmp_path / "checks").rglob("*")
    left = {path.name for path in found if "__pycache__" not in str(path)}
    assert left == {tmp_path.name, "test_it.py"}


def test_a_fault_of_ours_is_no_proof(
    folder: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> FakeLink:
        raise RuntimeError("a fault in the code that gathers")

    options = Options(folder=folder())
    with pytest.raises(ToolkitError, match="the checks could not be run"):
        run_checks(options, {"web1": broken}, console=Console(file=io.StringIO()))
    assert "a fault in the code" in "".join(capfd.readouterr())
