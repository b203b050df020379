"""Plays, their undoing, and the facts of this machine."""

import importlib
from collections.abc import Mapping
from typing import Any

from toolkit.agent.call import Call
from toolkit.agent.host import AgentHost
from toolkit.playbook import service


def prepare(call: Call) -> None:
    """``{}``: import what ``apply`` needs, while the controller still reads the playbook."""
    del call
    importlib.import_module("toolkit.playbook.templating")


def apply(call: Call) -> Any:
    """``{play, mode, journal}`` with events → the recap; ``journal`` is the folder of journals."""
    return service.apply(
        call.params, host=AgentHost(call.files), send=call.send, root=_journals(call)
    )


def undo(call: Call) -> Any:
    """``{run, journal}`` with events → what was undone."""
    return service.undo(
        call.params, host=AgentHost(call.files), send=call.send, root=_journals(call)
    )


def facts(call: Call) -> Mapping[str, Any]:
    """``{}`` → the facts of this machine."""
    from toolkit.facts.gather import gather  # noqa: PLC0415 - plays seldom ask for all facts

    return gather(AgentHost(call.files))


def _journals(call: Call) -> str:
    return call.get("journal", str, "")
