"""Modules that are the runner's own: they need its variables, its order or the controller.

Here stand their arguments only, so that a playbook can be checked without what runs them.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
ACTIONS: dict[str, type[Any]] = {}
STATIC = frozenset({"import_tasks", "import_role"})
INCLUDES = frozenset({"include_tasks", "include_role"})
META = (
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
)


def _action(name: str, *, open_keys: bool = False) -> Callable[[type[T]], type[T]]:
    def register(cls: type[T]) -> type[T]:
        made: Any = dataclass(frozen=True, kw_only=True, slots=True)(cls)
        made.open_keys = open_keys
        if not hasattr(made, "aliases"):
            made.aliases = {}
        ACTIONS[name] = made
        return made  # type: ignore[no-any-return] # the class itself, with slots

    return register


@_action("debug")
class Debug:
    """Show a message, or the value of a variable."""

    msg: Any = "Hello world!"
    var: Any = None
    verbosity: int = 0


@_action("set_fact", open_keys=True)
class SetFact:
    """Set variables of the host; ``cacheable`` ones are facts too."""

    cacheable: bool = False


@_action("fail")
class Fail:
    """Fail with a message."""

    msg: str = "Failed as requested from task"


@_action("assert")
class Assert:
    """Fail unless every condition holds."""

    aliases: ClassVar[Mapping[str, str]] = {"msg": "fail_msg"}

    that: Any
    fail_msg: Any = None
    success_msg: Any = None
    quiet: bool = False


@_action("include_vars")
class IncludeVars:
    """Read variables from a file of the controller, or from the files of a folder."""

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "file"}

    file: str | None = None
    dir: str | None = None
    name: str | None = None
    depth: int = 0
    files_matching: str | None = None
    ignore_files: Any = None
    extensions: Any = None
    ignore_unknown_extensions: bool = False
    hash_behaviour: str | None = None


@_action("include_tasks")
class IncludeTasks:
    """Run the tasks of a file, chosen when its turn comes."""

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "file"}

    file: str
    apply: Any = None


@_action("import_tasks")
class ImportTasks:
    """Have the tasks of a file stand here."""

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "file"}

    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Role:
    aliases: ClassVar[Mapping[str, str]] = {"role": "name"}

    name: str
    tasks_from: str = "main"
    vars_from: str = "main"
    defaults_from: str = "main"
    handlers_from: str = "main"
    allow_duplicates: bool = True
    rolespec_validate: bool = True


@_action("include_role")
class IncludeRole(_Role):
    """Run a role, chosen when its turn comes."""

    apply: Any = None
    public: bool = False


@_action("import_role")
class ImportRole(_Role):
    """Have the tasks of a role stand here."""

    public: bool = True


@_action("meta")
class Meta:
    """Steer the run: flush handlers, end the play or the host, forget facts."""

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "action", "free_form": "action"}

    action: str


@_action("pause")
class Pause:
    """Wait for a time, or for a person."""

    seconds: float | None = None
    minutes: float | None = None
    prompt: str | None = None
    echo: bool = True


@_action("setup")
class Setup:
    """Gather facts."""

    gather_subset: tuple[str, ...] = ("all",)
    filter: tuple[str, ...] = ()
    gather_timeout: int = 10
    fact_path: str | None = None


@_action("gather_facts")
class GatherFacts:
    """Gather facts."""

    gather_subset: tuple[str, ...] = ("all",)
    filter: tuple[str, ...] = ()
    gather_timeout: int = 10
    fact_path: str | None = None
    parallel: bool | None = None


@_action("add_host", open_keys=True)
class AddHost:
    """Add a host to the inventory of this run."""

    aliases: ClassVar[Mapping[str, str]] = {
        "host": "name",
        "hostname": "name",
        "group": "groups",
        "groupname": "groups",
    }

    name: str
    groups: tuple[str, ...] = ()


@_action("group_by")
class GroupBy:
    """Put the host into a group whose name is rendered."""

    key: str
    parents: tuple[str, ...] = ("all",)


@_action("fetch")
class Fetch:
    """Bring a file of the host to the controller."""

    src: str
    dest: str
    flat: bool = False
    fail_on_missing: bool = True
    validate_checksum: bool = True


@_action("ping")
class Ping:
    """Answer."""

    data: str = "pong"


@_action("wait_for_connection")
class WaitForConnection:
    """Wait until the host can be reached; the link of this run shows that it is."""

    timeout: int = 600
    delay: int = 0
    sleep: int = 1
    connect_timeout: int = 5


@_action("async_status")
class AsyncStatus:
    """Ask for a task that was started with ``async`` and ``poll: 0``."""

    jid: str
    mode: str = "status"


@functools.cache
def names() -> frozenset[str]:
    """Every action's name."""
    return frozenset(ACTIONS)
