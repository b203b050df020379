"""What an agent calls: one request in as plain data, events out as plain data, one result."""

import os
from collections.abc import Callable, Mapping
from typing import Any, cast

from toolkit.core.events import Event
from toolkit.playbook import journal as journals
from toolkit.playbook import results
from toolkit.playbook.results import to_data
from toolkit.playbook.runner import Mode, run_play
from toolkit.playbook.undo import undo_run
from toolkit.tasks.host import Host

Send = Callable[[Mapping[str, Any]], None]


class _DataSink:
    """Sends each event as plain data."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def send(self, event: Event) -> None:
        self._send(to_data(cast("results.Event", event)))


def apply(params: Mapping[str, Any], *, host: Host, send: Send, root: str = "") -> dict[str, Any]:
    """``{play, mode: {check, diff, run}}``: run the play here; the result is its recap.

    ``host.artifact`` must know the files that came with the request; ``root`` is the folder of
    journals, ``""`` for the usual one.
    """
    wish = params.get("mode", {})
    run = str(wish.get("run", "")) or journals.new_run_id()
    mode = Mode(
        check=bool(wish.get("check", False)),
        diff=bool(wish.get("diff", False)),
        run=run,
        root=os.geteuid() == 0,
    )
    # In check mode too: a task with 'check_mode: no' changes things for real.
    journal = journals.FileJournal(run, root=root or journals.usual_root())
    try:
        recap = run_play(
            params["play"],
            host,
            _DataSink(send),
            mode=mode,
            journal=journal,
            facts=_facts,
        )
    finally:
        journal.close()
    return to_data(recap)


def undo(params: Mapping[str, Any], *, host: Host, send: Send, root: str = "") -> dict[str, Any]:
    """``{run}``: undo that run, or the last one that is not undone yet.

    The result is an ``UndoDone`` as data.
    """
    sink = _DataSink(send)
    root = root or journals.usual_root()
    return to_data(
        undo_run(str(params.get("run") or ""), host, sink, name=_name(params), root=root)
    )


def _name(params: Mapping[str, Any]) -> str:
    return str(params.get("host") or "localhost")


def _facts(host: Host) -> Mapping[str, Any]:
    from toolkit.facts.gather import gather  # noqa: PLC0415 - only a play that asks for facts

    return gather(host)
