"""One task on this host for the play of another one: ``delegate_to``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.events import ListSink
from toolkit.playbook import journal as journals
from toolkit.playbook.results import TaskDone
from toolkit.playbook.runner import Mode, Runner, Seams
from toolkit.playbook.scope import UNSAFE, Memory

if TYPE_CHECKING:
    from toolkit.playbook.service import Place


def perform(params: Mapping[str, Any], place: "Place") -> dict[str, Any]:
    """``{module, args, check, diff, become, …}`` → ``{registered, changes, diff, message, hint}``.

    The arguments were rendered where the play runs and are taken as they are.
    """
    import os  # noqa: PLC0415 - beside its one use

    from toolkit.playbook.service import facts_of  # noqa: PLC0415 - it imports this module's room

    words = ("become", "become_user", "no_log", "timeout")
    task = {
        "index": 0,
        "name": params["name"],
        "place": params["place"],
        "module": params["module"],
        "args": _as_it_is(params["args"]),
        "environment": [_as_it_is(params.get("environment", {}))],
        "register": "delegated",
        "check_mode": params["check"],
        **{word: params[word] for word in words if params.get(word)},
    }
    play = {"name": "delegated", "host": "delegated", "tasks": [task]}
    run = str(params.get("run") or journals.new_run_id())
    mode = Mode(
        check=bool(params["check"]),
        diff=bool(params["diff"]),
        run=run,
        root=os.geteuid() == 0,
        login=place.login,
    )
    journal = journals.FileJournal(run, root=place.root or journals.usual_root())
    memory, sink = Memory(), ListSink()
    seams = Seams(journal=journal, facts=facts_of, ask=place.ask, memory=memory)
    try:
        Runner(play, place.host, sink, mode=mode, seams=seams).run()
    finally:
        journal.close()
    done = next(event for event in sink.events if isinstance(event, TaskDone))
    return {
        "registered": memory.known["delegated"],
        "changes": done.changes,
        "diff": done.diff,
        "message": done.message,
        "hint": done.hint,
    }


def _as_it_is(value: Any) -> Any:
    """A value whose texts are not rendered once more."""
    if isinstance(value, str):
        return {UNSAFE: value}
    if isinstance(value, Mapping):
        return {key: _as_it_is(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_it_is(each) for each in value]
    return value
