"""Results as a table, as JSON lines and as JUnit XML."""

import json
from collections import Counter
from collections.abc import Mapping
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolkit.conformance.evaluate import NO_RUNTIME, Result
from toolkit.conformance.verdict import Verdict

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "weaker": "yellow",
    "na": "dim",
    "inconclusive": "magenta",
}
# How wide a table is where no window limits it: for two columns of verdicts, and for each more.
WIDTH, MORE = 130, 16
Column = tuple[str, str]


def ordered(results: list[Result]) -> list[Result]:
    """By host, runtime (what is about the host first), then id."""
    return sorted(results, key=lambda one: (one.host, one.runtime, one.id))


def json_lines(results: list[Result]) -> str:
    """One object a line: ``id host runtime verdict seen expected layer seconds reason``."""
    return "".join(json.dumps(result.as_data()) + "\n" for result in results)


def junit(results: list[Result], titles: Mapping[str, str]) -> str:
    """A test suite a host and runtime; na and inconclusive are skipped, the verdict a property."""
    root = ElementTree.Element("testsuites", name="dockyard check")
    for host, runtime in _columns(results):
        mine = [one for one in results if (one.host, one.runtime) == (host, runtime)]
        count = Counter(one.verdict for one in mine)
        part = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"{host} {runtime}",
            tests=str(len(mine)),
            failures=str(count["fail"]),
            errors=str(sum(one.unproven for one in mine)),
            skipped=str(count["na"] + sum(not one.unproven for one in mine if _unclear(one))),
            time=f"{sum(one.seconds for one in mine):.3f}",
        )
        for one in mine:
            _case(part, one, titles.get(one.id, ""))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _unclear(one: Result) -> bool:
    return one.verdict == Verdict.INCONCLUSIVE.value


def _case(part: ElementTree.Element, one: Result, title: str) -> None:
    case = ElementTree.SubElement(
        part,
        "testcase",
        classname=f"{one.host}.{one.runtime}",
        name=f"{one.id} {title}".strip(),
        time=f"{one.seconds:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    for name in ("verdict", "seen", "expected", "layer"):
        if getattr(one, name):
            ElementTree.SubElement(properties, "property", name=name, value=getattr(one, name))
    said = f"seen {one.seen}, expected {one.expected}"
    if one.verdict == Verdict.FAIL.value:
        ElementTree.SubElement(case, "failure", message=said).text = one.reason
    elif one.unproven:
        ElementTree.SubElement(case, "error", message=one.reason)
    elif one.verdict in (Verdict.NA.value, Verdict.INCONCLUSIVE.value):
        ElementTree.SubElement(case, "skipped", message=one.reason or one.verdict)


def show(results: list[Result], titles: Mapping[str, str], console: Console) -> None:
    """The table, what is wrong in full, and one line a host and runtime."""
    columns = _columns(results)
    if not console.is_terminal:
        console.width = WIDTH + MORE * max(0, len(columns) - 2)
    console.print(_table(results, titles, columns))
    for one in results:
        if one.verdict == Verdict.FAIL.value:
            _line(console, f"FAIL {one.id} on {one.host} {one.runtime}: {titles.get(one.id, '')}")
            _line(console, f"     seen {one.seen}, expected {one.expected} {one.reason}".rstrip())
    for why in dict.fromkeys(one.reason for one in results if one.unproven):
        _line(console, f"nothing to judge: {why}")
    for column in columns:
        _line(console, summary(results, column))
    _line(console, verdict(results))


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)


def _columns(results: list[Result]) -> list[Column]:
    return list(dict.fromkeys((one.host, one.runtime) for one in results))


def _table(results: list[Result], titles: Mapping[str, str], columns: list[Column]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, min_width=15)
    table.add_column("what", overflow="ellipsis", no_wrap=True, max_width=60)
    if len({runtime for _, runtime in columns} - {NO_RUNTIME}) <= 1 and len(_hosts(columns)) == 1:
        table.add_column("verdict", no_wrap=True, min_width=12)
        table.add_column("seen", overflow="ellipsis", no_wrap=True, max_width=60)
        for one in results:
            seen = one.seen if one.verdict != "na" else one.reason
            table.add_row(one.id, titles.get(one.id, ""), _styled(one.verdict), Text(seen))
        return table
    for host, runtime in columns:
        name = "host" if runtime == NO_RUNTIME else runtime.rpartition("/")[2]
        table.add_column(f"{host}\n{name}", no_wrap=True, min_width=12)
    by_place = {(one.id, one.host, one.runtime): one.verdict for one in results}
    for check in dict.fromkeys(one.id for one in sorted(results, key=lambda one: one.id)):
        cells = [_styled(by_place.get((check, *column), "")) for column in columns]
        table.add_row(check, titles.get(check, ""), *cells)
    return table


def _hosts(columns: list[Column]) -> list[str]:
    return list(dict.fromkeys(host for host, _ in columns))


def _styled(verdict: str) -> Text:
    return Text(verdict, style=STYLES.get(verdict, ""))


def summary(results: list[Result], column: Column) -> str:
    """``web1 embedded: 98 pass, 3 weaker, 12 na``."""
    count = Counter(one.verdict for one in results if (one.host, one.runtime) == column)
    told = ", ".join(f"{count[one.value]} {one.value}" for one in Verdict if count[one.value])
    host, runtime = column
    return f"{host} {'host' if runtime == NO_RUNTIME else runtime}: {told}"


def verdict(results: list[Result]) -> str:
    """The last line: whether the containers are isolated."""
    failed = sum(one.verdict == Verdict.FAIL.value for one in results)
    judged = sum(one.verdict in ("pass", "fail", "weaker") for one in results)
    if failed:
        return f"NOT ISOLATED: {failed} of {_checks(judged)} failed"
    if not judged and not any(one.unproven for one in results):
        return f"nothing to judge: of {_checks(len(results))} none applies here"
    if any(one.unproven for one in results):
        return f"NOT PROVEN: {_checks(sum(one.unproven for one in results))} had nothing to judge"
    weak = sum(one.verdict == Verdict.WEAKER.value for one in results)
    held = "holds" if judged - weak == 1 else "hold"
    lenient = f", {_checks(weak)} found less protection than there could be, as configured"
    return f"isolated: {_checks(judged - weak)} {held}" + (lenient if weak else "")


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"
