"""Plays a run's inverses back, the last step first."""

import os

from toolkit.core.errors import ConflictError, ToolkitError
from toolkit.core.events import EventSink
from toolkit.playbook import journal as journals
from toolkit.playbook.results import ChangeUndone, Status, UndoDone, reason
from toolkit.tasks.changes import Change, from_data
from toolkit.tasks.file_changes import RemoveFile, WriteFile
from toolkit.tasks.host import Host


def undo_run(
    run: str, host: Host, sink: EventSink, *, name: str = "localhost", root: str = journals.ROOT
) -> UndoDone:
    """Undo a run, or the last one for ``""``; steps that are undone already are left alone.

    A step without an inverse is reported and passed over. A failing inverse is reported and the
    others go on: they are older and mostly independent. The step that a crash interrupted may not
    have happened at all, so its inverse may fail without counting as a failure.
    """
    run = run or journals.last_run(root)
    path = journals.journal_path(run, root)
    steps = [step for step in journals.read(path) if not step.undone]
    counts = {Status.OK: 0, Status.SKIPPED: 0, Status.FAILED: 0}
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for step in reversed(steps):
            status, message = _undo(step, host)
            counts[status] += 1
            if status is not Status.FAILED:
                journals.append(fd, [{"undone": step.step}])
            sink.send(ChangeUndone(host=name, change=step.does, status=status, message=message))
    finally:
        os.close(fd)
    done = UndoDone(
        host=name,
        run=run,
        undone=counts[Status.OK],
        kept=counts[Status.SKIPPED],
        failed=counts[Status.FAILED],
    )
    sink.send(done)
    return done


def _refuse_later_work(inverse: Change, host: Host) -> None:
    """What somebody has written into a file since must not be lost with our own content."""
    if not isinstance(inverse, WriteFile | RemoveFile) or inverse.old is None:
        return
    if host.files.stat(inverse.path) and not inverse.old.holds(host.files.read(inverse.path)):
        raise ConflictError(f"'{inverse.path}' was changed after the run, so it is left as it is")


def _undo(step: journals.Step, host: Host) -> tuple[Status, str]:
    if step.inverse is None:
        return Status.SKIPPED, "it has no inverse"
    try:
        inverse = from_data(dict(step.inverse))
        _refuse_later_work(inverse, host)
        inverse.apply(host)
    except (ToolkitError, OSError) as error:
        if step.done:
            return Status.FAILED, reason(error)
        return Status.SKIPPED, f"{_unfinished(step)}, and there is nothing of it: {reason(error)}"
    return Status.OK, "" if step.done else _unfinished(step)


def _unfinished(step: journals.Step) -> str:
    return "it had failed" if step.failed else "the run ended in the middle of it"
