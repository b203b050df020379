"""The flags of ``dockyard apply``, which are Ansible's wherever Ansible has one."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_MANY = {"multiple": True}
_FLAG = {"is_flag": True}
_TEXT = {"default": ""}
_FILE = {"default": "", "metavar": "FILE"}

_HOSTS: tuple[tuple[tuple[str, ...], dict[str, Any], str], ...] = (
    (("-i", "--inventory"), {**_MANY, "metavar": "FILE"}, "Hosts; none: this machine."),
    (("-l", "--limit"), {**_TEXT, "metavar": "PATTERN"}, "Only these hosts; @FILE: those in it."),
    (("-f", "--forks"), {"default": 5, "type": click.IntRange(1)}, "Hosts at once."),
    (("-u", "--user"), {**_TEXT, "metavar": "NAME"}, "Log in so where no inventory says."),
    (("--private-key",), _FILE, "Log in with this key where no inventory says."),
    (("-k", "--ask-pass"), _FLAG, "Ask for the password to log in with."),
    (("--connection-password-file",), _FILE, "A file or a program that tells that password."),
)
_HOW = (
    (("--wait",), {"default": 0.0, "metavar": "SECONDS"}, "Wait for another run on a host to end."),
    (("-C", "--check"), _FLAG, "Change nothing; show what would change."),
    (("-D", "--diff"), _FLAG, "Show the difference of each change."),
    (("--rehearse",), _FLAG, "Run for real in a throw-away copy of the machine."),
    (("--verify",), _FLAG, "Then run the checks that prove what was applied."),
    (("--step",), _FLAG, "Ask before each task."),
    (("--force-handlers",), _FLAG, "Run notified handlers even after a failure."),
    (("-b", "--become"), _FLAG, "Become another user for every task."),
    (("--become-user",), {**_TEXT, "metavar": "NAME"}, "That user; root."),
    (("-K", "--ask-become-pass"), _FLAG, "Ask for sudo's password."),
    (("--become-password-file",), _FILE, "A file or a program that tells sudo's password."),
    (("-v", "--verbose"), {"count": True}, "Show what 'debug' keeps for this; repeat for more."),
)
_WHAT = (
    (("-t", "--tags"), {**_MANY, "metavar": "TAGS"}, "Only tasks with these tags."),
    (("--skip-tags",), {**_MANY, "metavar": "TAGS"}, "No task with these tags."),
    (("--start-at-task",), {**_TEXT, "metavar": "NAME"}, "Pass over what comes before it."),
    (("-e", "--extra-vars"), {**_MANY, "metavar": "K=V|@FILE"}, "More variables."),
)
_LISTS = (
    (("--syntax-check",), _FLAG, "Only check the playbook; touch no host."),
    (("--list-hosts",), _FLAG, "Only list the hosts of each play."),
    (("--list-tasks",), _FLAG, "Only list the tasks that would run."),
    (("--list-tags",), _FLAG, "Only list the tags."),
)
_OUTPUT = (
    (("--json", "as_json"), _FLAG, "One JSON object a line."),
    (("--junit",), _FILE, "Write a JUnit report as well: a suite a host, a case a task."),
)


def options(function: F) -> F:
    """Give a command all of them, in this order."""
    rows: Any = (*_HOSTS, *_HOW, *_WHAT, *_LISTS, *_OUTPUT)
    for names, settings, text in reversed(rows):
        function = click.option(*names, help=text, **settings)(function)
    return function
