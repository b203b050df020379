"""What an agent can be asked, one file a group; a group is imported when it is first asked."""

import importlib
from collections.abc import Callable
from typing import Any

from toolkit.agent.call import Call
from toolkit.core.errors import NotFoundError
from toolkit.core.suggest import did_you_mean

Method = Callable[[Call], Any]

GROUPS = {
    "ping": "about",
    "run": "processes",
    "read": "files",
    "write": "files",
    "remove": "files",
    "mktemp": "files",
    "stat": "files",
    "readlink": "files",
    "listdir": "files",
    "apply": "plays",
    "undo": "plays",
    "facts": "plays",
}


def find(name: str) -> Method:
    """The function behind a method; its name is the method's, with ``.`` as ``_``."""
    group = GROUPS.get(name)
    if group is None:
        raise NotFoundError(f"the agent has no method '{name}'", hint=did_you_mean(name, GROUPS))
    module = importlib.import_module(f"toolkit.agent.methods.{group}")
    method: Method = getattr(module, name.replace(".", "_"))
    return method
