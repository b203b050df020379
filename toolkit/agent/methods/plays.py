"""Plays, their undoing, and the facts of this machine."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

from toolkit.agent.call import Call
from toolkit.agent.host import AgentHost
from toolkit.playbook import delegation, service


def prepare(call: Call) -> None:
    """``{}``: import what ``apply`` needs, while the controller still reads the playbook."""
    del call
    importlib.import_module("toolkit.playbook.templating")


def apply(call: Call) -> Any:
    """``{play, mode, journal}`` with events → the recap; ``journal`` is the folder of journals."""
    return service.apply(call.params, _place(call))


def perform(call: Call) -> Any:
    """``{module, args, check, …}``: run one task for a play of another host."""
    return delegation.perform(call.params, _place(call))


def _place(call: Call) -> service.Place:
    return service.Place(
        host=AgentHost(call.files),
        send=call.send,
        ask=call.ask,
        root=_journals(call),
        login=_login(),
    )


def _login() -> str:
    """Who logged in, where that is not the user that this agent became by sudo."""
    user = os.environ.get("SUDO_USER", "")
    return user if os.geteuid() == 0 and user != "root" and call_came_by_ssh() else ""


def call_came_by_ssh() -> bool:
    """Whether sudo was part of a login from another machine: at home it is the person's own."""
    return os.environ.get("DOCKYARD_LOGIN", "") == "ssh"


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
