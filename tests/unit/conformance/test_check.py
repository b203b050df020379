from pathlib import Path

import pytest

from toolkit.conformance import suite
from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.check import Check, check
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.verdict import Finding, equal
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.files import shipped

ONE = '''
from toolkit.conformance.check import check

@check("{id}", area="{area}")
def test_{name}(host):
    """The host is well."""
'''


def write(folder: Path, *checks: tuple[str, str]) -> Path:
    for number, (id_, area) in enumerate(checks):
        subject = folder / f"part{number}"
        subject.mkdir()
        name = id_.replace("-", "_").lower()
        (subject / "test_it.py").write_text(ONE.format(id=id_, area=area, name=name))
    return folder


def marked(**options: object) -> Check:
    @check("X-Y-01", area="A", **options)  # type: ignore[arg-type]  # what the test is about
    def judge(host: HostDoc) -> Finding:
        """Say what is so. And more."""
        return equal(host.hostname, "x")

    found: Check = judge.check  # type: ignore[attr-defined]  # the decorator puts it there
    return found


def test_the_docstring_is_the_title() -> None:
    assert marked().title == "Say what is so. And more"


def test_a_check_with_options_starts_a_container_of_its_own() -> None:
    assert marked().tier == 0
    assert marked(box=BoxSpec(memory=1)).tier == 1
    assert marked(tier=1).tier == 1


def test_a_check_of_the_host_needs_no_container() -> None:
    assert not marked().needs_box


@pytest.mark.parametrize(
    "options", [{"severity": "bad"}, {"on": "X"}], ids=["severity", "runtimes"]
)
def test_a_mistake_in_the_decorator_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="X-Y-01"):
        marked(**options)


def test_an_argument_that_nobody_provides_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):

        @check("X-Y-02", area="A")
        def judge(nonsense: object) -> None:
            """Never run."""


def test_a_specification_names_what_is_not_default() -> None:
    assert BoxSpec().title == "defaults"
    assert BoxSpec(memory=5, user=1000).title == "memory=5 user=1000"


def test_checks_are_found_by_folder(tmp_path: Path) -> None:
    found = suite.load(write(tmp_path, ("HOST-X-01", "R"), ("NS-X-02", "A")))
    assert [one.id for one in found] == ["NS-X-02", "HOST-X-01"]


def test_two_checks_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="HOST-X-01"):
        suite.load(write(tmp_path, ("HOST-X-01", "R"), ("HOST-X-01", "R")))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("import nothing_like_it\n")
    with pytest.raises(InvalidInputError, match=r"test_broken\.py: ModuleNotFoundError"):
        suite.load(tmp_path)


def test_an_empty_folder_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        suite.load(tmp_path)


@pytest.mark.parametrize("area", ["B", "privilege", "b", "CAP"])
def test_areas_go_by_letter_folder_and_prefix(area: str) -> None:
    found = suite.select(suite.load(shipped("checks")), areas=(area,))
    assert {one.area for one in found} == {"B"}


def test_what_no_check_has_is_refused() -> None:
    checks = suite.load(shipped("checks"))
    with pytest.raises(InvalidInputError, match="area 'Q'"):
        suite.select(checks, areas=("Q",))
    with pytest.raises(InvalidInputError, match="NS-PID-99"):
        suite.select(checks, ids=("NS-PID-01", "NS-PID-99"))


def test_tier_0_starts_no_container_of_its_own() -> None:
    found = suite.select(suite.load(shipped("checks")), tier=0)
    assert found
    assert all(one.box == BoxSpec() for one in found)


def test_the_suite_has_what_the_project_promises() -> None:
    checks = suite.load(shipped("checks"))
    assert sum(one.area in "ABDF" for one in checks) >= 40
    assert all(one.title for one in checks)
