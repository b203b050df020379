"""A JUnit report of a run: a suite a host, a case a task; the usual output goes on beside it."""

from collections.abc import Iterable
from xml.etree import ElementTree

from toolkit.cli.output.sink import Output
from toolkit.core.files import write_atomic
from toolkit.playbook.results import Event, Recap, Status, TaskDone

_BAD = (Status.FAILED, Status.UNREACHABLE)


class JUnitOutput:
    """Hands everything on, and writes the report when it is closed."""

    def __init__(self, inner: Output, path: str) -> None:
        self._inner = inner
        self._path = path
        self._play = ""
        self._cases: dict[str, list[tuple[str, TaskDone]]] = {}

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """A play begins."""
        self._play = title
        self._inner.play(title, hosts)

    def event(self, event: Event) -> None:
        """Keep what a task ended with; its items are part of it."""
        if isinstance(event, TaskDone) and event.item is None:
            self._cases.setdefault(event.host, []).append((self._play, event))
        self._inner.event(event)

    def note(self, text: str) -> None:
        """Hand it on."""
        self._inner.note(text)

    def recap(self, recaps: Iterable[Recap]) -> None:
        """Hand it on."""
        self._inner.recap(recaps)

    def close(self) -> None:
        """Write the report, also of a run that was given up."""
        self._inner.close()
        root = ElementTree.Element("testsuites", name="dockyard apply")
        for host, cases in sorted(self._cases.items()):
            root.append(_suite(host, cases))
        ElementTree.indent(root)
        text = ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
        write_atomic(self._path, f"{_clean(text)}\n".encode())


def _suite(host: str, cases: list[tuple[str, TaskDone]]) -> ElementTree.Element:
    ended = [event for _, event in cases]
    suite = ElementTree.Element(
        "testsuite",
        name=host,
        tests=str(len(ended)),
        failures=str(sum(event.status in _BAD and not event.ignored for event in ended)),
        skipped=str(sum(event.status is Status.SKIPPED for event in ended)),
        time=f"{sum(event.seconds for event in ended):.3f}",
    )
    for play, event in cases:
        suite.append(_case(play, event))
    return suite


def _case(play: str, event: TaskDone) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=play, name=event.task, time=f"{event.seconds:.3f}"
    )
    if event.place:
        case.set("file", event.place)
    if event.status in _BAD and not event.ignored:
        failure = ElementTree.SubElement(
            case, "failure", type=event.status.value, message=event.message
        )
        failure.text = "\n".join(filter(None, (event.message, event.hint, event.place)))
    elif event.status is Status.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=event.message or "its condition is false")
    if event.changes:
        ElementTree.SubElement(case, "system-out").text = "\n".join(event.changes)
    return case


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold: hosts print what they like."""
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n\r")
