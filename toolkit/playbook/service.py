"""What an agent calls: one request in as plain data, events out as plain data, one result."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from toolkit.core.events import Event
from toolkit.playbook import journal as journals
from toolkit.playbook import results, turns
from toolkit.playbook.asking import Ask, nobody
from toolkit.playbook.handlers import FilePending, NoPending
from toolkit.playbook.results import to_data
from toolkit.playbook.runner import Mode, Seams, run_play
from toolkit.playbook.scope import Memory
from toolkit.playbook.secrets import Secrets
from toolkit.playbook.undo import undo_run
from toolkit.tasks.host import Host

Send = Callable[[Mapping[str, Any]], None]


class _DataSink:
    """Sends each event as plain data."""

    def __init__(self, send: Send, secrets: Secrets | None = None) -> None:
        self._send = send
        self._secrets = secrets or Secrets()

    def send(self, event: Event) -> None:
        self._send(self._secrets.hide(to_data(cast("results.Event", event))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a request is served: the host, the way back, the folder of journals."""

    host: Host
    send: Send
    ask: Ask = nobody
    root: str = ""
    login: str = ""


_MEMORIES: dict[tuple[str, str], Memory] = {}


def apply(params: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """``{play, mode: {check, diff, run, …}}``: run the play here; the result is its recap.

    ``place.host.artifact`` must know the files that came with the request; ``place.root`` is the
    folder of journals, ``""`` for the usual one. What one play of a run learns, the next one knows.
    """
    wish = params.get("mode", {})
    run = str(wish.get("run", "")) or journals.new_run_id()
    play = params["play"]
    mode = Mode(
        check=bool(wish.get("check", False)),
        diff=bool(wish.get("diff", False)),
        run=run,
        root=os.geteuid() == 0,
        login=place.login,
        verbosity=int(wish.get("verbosity", 0)),
        start_at=str(wish.get("start_at", "")),
        step=bool(wish.get("step", False)),
    )
    folder = place.root or journals.usual_root()
    if not mode.check:
        _take_turn(folder, run, str(play["host"]), params, place.send)
    # In check mode too: a task with 'check_mode: no' changes things for real.
    journal = journals.FileJournal(run, root=folder)
    secrets = Secrets(params.get("secrets", ()))
    seams = Seams(
        journal=journal,
        facts=facts_of,
        ask=place.ask,
        memory=_memory(run, str(play["host"])),
        pending=NoPending() if mode.check else FilePending(folder, _of_play(play)),
        secrets=secrets,
    )
    try:
        recap = run_play(play, place.host, _DataSink(place.send, secrets), mode=mode, seams=seams)
    finally:
        journal.close()
    return to_data(recap)


def _of_play(play: Mapping[str, Any]) -> str:
    """What the play's waiting handlers are kept under; one machine may be several local hosts."""
    return f"{play['name']}@{play['host']}"


def _take_turn(folder: str, run: str, host: str, params: Mapping[str, Any], send: Send) -> None:
    """Wait for the end of another run on this host, or refuse, as the request says."""

    def told(busy: str) -> None:
        send(to_data(results.TaskStarted(host=host, task=f"waiting for the run {busy}", index=-1)))

    wait = float(params.get("wait", 0))
    turns.take(os.path.join(os.path.dirname(folder), "turns"), run, wait=wait, told=told)


def _memory(run: str, host: str) -> Memory:
    """What earlier plays of the same run left; an agent serves one run."""
    if (run, host) not in _MEMORIES:
        _MEMORIES[run, host] = Memory()
    return _MEMORIES[run, host]


def undo(params: Mapping[str, Any], *, host: Host, send: Send, root: str = "") -> dict[str, Any]:
    """``{run}``: undo that run, or the last one that is not undone yet.

    The result is an ``UndoDone`` as data.
    """
    sink = _DataSink(send)
    root = root or journals.usual_root()
    _take_turn(root, f"undo-{journals.new_run_id()}", _name(params), params, send)
    return to_data(
        undo_run(str(params.get("run") or ""), host, sink, name=_name(params), root=root)
    )


def _name(params: Mapping[str, Any]) -> str:
    return str(params.get("host") or "localhost")


def facts_of(host: Host) -> Mapping[str, Any]:
    """Every fact of the host."""
    from toolkit.facts.gather import gather  # noqa: PLC0415 - only a play that asks for facts

    return gather(host)
