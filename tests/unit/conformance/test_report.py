import io
import json
from xml.etree import ElementTree

import pytest
from rich.console import Console

from toolkit.conformance import report
from toolkit.conformance.evaluate import Result


def line(id: str, verdict: str, **more: str) -> Result:  # noqa: A002 - the field's name
    values = {"host": "web1", "runtime": "embedded", "seen": "a", "expected": "b", "layer": ""}
    return Result(id=id, verdict=verdict, seconds=0.25, **{**values, "reason": "", **more})


MIXED = [
    line("NS-A-01", "pass"),
    line("NS-B-02", "fail", reason="why"),
    line("NS-C-03", "weaker", reason="asked for"),
    line("NS-D-04", "na", reason="no such kernel"),
    line("NS-E-05", "inconclusive", reason="busy"),
    line("NS-F-06", "inconclusive", layer="gather", reason="no container"),
    line("HOST-A-01", "pass", runtime="-"),
]


def shown(results: list[Result]) -> str:
    text = io.StringIO()
    console = Console(file=text, highlight=False, width=100)
    report.show(report.ordered(results), {"NS-B-02": "Two is one"}, console)
    return text.getvalue()


def test_json_has_a_line_a_result_with_the_agreed_keys() -> None:
    lines = [json.loads(text) for text in report.json_lines(MIXED).splitlines()]
    assert len(lines) == len(MIXED)
    keys = "id host runtime verdict seen expected layer seconds reason"
    assert set(lines[0]) == set(keys.split())


def test_junit_counts_and_carries_the_verdict() -> None:
    root = ElementTree.fromstring(report.junit(report.ordered(MIXED), {"NS-B-02": "Two is one"}))
    suites = {one.get("name"): one for one in root}
    mine = suites["web1 embedded"]
    counted = [mine.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert counted == ["6", "1", "1", "2"]
    failed = next(case for case in mine if case.find("failure") is not None)
    assert failed.get("name") == "NS-B-02 Two is one"
    verdicts = [one.get("value") for one in mine.iter("property") if one.get("name") == "verdict"]
    assert sorted(map(str, verdicts)) == sorted(one.verdict for one in MIXED[:6])


def test_what_is_wrong_is_told_in_full() -> None:
    text = shown(MIXED)
    assert "FAIL NS-B-02 on web1 embedded: Two is one" in text
    assert "seen a, expected b why" in text
    assert "nothing to judge: no container" in text
    assert "web1 embedded: 1 pass, 1 fail, 1 weaker, 1 na, 2 inconclusive" in text
    assert "web1 host: 1 pass" in text


@pytest.mark.parametrize(
    ("results", "last"),
    [
        (MIXED, "NOT ISOLATED: 1 of 4 checks failed"),
        (MIXED[:1] + MIXED[5:6], "NOT PROVEN: 1 check had nothing to judge"),
        (MIXED[3:4], "nothing to judge: of 1 check none applies here"),
        (
            MIXED[:1] + MIXED[2:5],
            "isolated: 1 check holds, 1 check found less protection than there could be, "
            "as configured",
        ),
    ],
)
def test_the_last_line_is_the_verdict(results: list[Result], last: str) -> None:
    assert shown(results).splitlines()[-1] == last


def test_several_runtimes_stand_side_by_side() -> None:
    other = [line("NS-A-01", "weaker", runtime="oci:/usr/sbin/runc")]
    text = shown([*MIXED, *other])
    row = next(one for one in text.splitlines() if one.startswith("NS-A-01"))
    assert row.split()[-2:] == ["pass", "weaker"]
    assert "runc" in text
