"""The first process: its descriptors and its exit status."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.verdict import Finding, equal, holds


@check("PID-FD-19", area="M", severity="critical")
def test_descriptors(box: Box) -> Finding:
    """Neither the first process nor an added one holds a descriptor that it was not given."""
    extra = [
        f"{who}:{number}->{target}"
        for who, document in (("init", box.init), ("exec", box.exec))
        for number, target in document.raw["fds"].items()
        if number not in ("0", "1", "2")
    ]
    return holds(not extra, seen=extra or "0 1 2", expected="0 1 2")


@check("PID-EXIT-08", area="M", tier=1, severity="medium")
def test_exit_status(statuses: dict[int, int]) -> Finding:
    """The exit status of the container's process is the runtime's."""
    return equal(list(statuses.values()), list(statuses))
