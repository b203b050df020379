"""The JUnit report of a run."""

from pathlib import Path
from xml.etree import ElementTree

from toolkit.cli.output.junit import JUnitOutput
from toolkit.cli.output.text import TextOutput
from toolkit.playbook.results import Recap, Status, TaskDone


def done(host: str, task: str, status: Status, **rest: object) -> TaskDone:
    fields = {"index": 0, "module": "m", "place": "site.yml:3:5", "seconds": 0.25, **rest}
    return TaskDone(host=host, task=task, status=status, **fields)  # type: ignore[arg-type] # of one class


def test_a_suite_a_host_and_a_case_a_task(tmp_path: Path) -> None:
    lines: list[str] = []
    path = tmp_path / "report.xml"
    output = JUnitOutput(TextOutput(lambda text, _: lines.append(text)), str(path))
    output.play("First", ("a", "b"))
    output.event(done("a", "One", Status.CHANGED, changes=("make /x",)))
    output.event(done("a", "Two", Status.OK, item="i"))
    output.event(done("a", "Two", Status.FAILED, message="why \x1b[31m<&>", hint="do"))
    output.event(done("b", "One", Status.SKIPPED))
    output.event(done("b", "Two", Status.FAILED, ignored=True))
    output.recap([Recap(host="a", failed=1)])
    output.note("noted")
    output.close()
    assert any("PLAY RECAP" in line for line in lines)
    assert "noted" in lines
    root = ElementTree.parse(path).getroot()
    assert [suite.get("name") for suite in root] == ["a", "b"]
    first, second = root
    assert (first.get("tests"), first.get("failures"), first.get("time")) == ("2", "1", "0.500")
    assert (second.get("failures"), second.get("skipped")) == ("0", "1")
    failure = first[1].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == (
        "why [31m<&>",
        "why [31m<&>\ndo\nsite.yml:3:5",
    )
    assert first[0].findtext("system-out") == "make /x"
    assert first[0].get("classname") == "First"
