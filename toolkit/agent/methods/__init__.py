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
    "prepare": "plays",
    "apply": "plays",
    "perform": "plays",
    "undo": "plays",
    "facts": "plays",
    "container.run": "containers",
    "container.create": "containers",
    "container.start": "containers",
    "container.exec": "containers",
    "container.kill": "containers",
    "container.stop": "containers",
    "container.wait": "containers",
    "container.remove": "containers",
    "container.inspect": "containers",
    "container.list": "containers",
}


def find(name: str) -> Method:
    """The function behind a method; it is called as the method, with ``_`` for ``.``."""
    group = GROUPS.get(name)
    if group is None:
        raise NotFoundError(f"the agent has no method '{name}'", hint=did_you_mean(name, GROUPS))
    module = importlib.import_module(f"toolkit.agent.methods.{group}")
    method: Method = getattr(module, name.replace(".", "_"))
    return method
