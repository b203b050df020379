"""``--list-hosts --list-tasks --list-tags --syntax-check``: what would run, as Ansible shows it."""

from collections.abc import Callable, Iterator

from toolkit.cli.applying.selecting import tags_of
from toolkit.playbook.compiler import Selection
from toolkit.playbook.model import Block, Node, Play, Playbook, Task

FLAGS = ("syntax_check", "list_hosts", "list_tasks", "list_tags")
_INDENT = "      "


def lines(
    playbook: Playbook,
    selection: Selection,
    wanted: frozenset[str],
    hosts: Callable[[Play], tuple[str, ...]],
) -> Iterator[str]:
    """The text, line by line; ``wanted`` are names of ``FLAGS``, ``hosts`` gives a play's."""
    yield ""
    yield f"playbook: {playbook.path}"
    if not wanted - {"syntax_check"}:
        return
    for number, play in enumerate(playbook.plays, 1):
        yield ""
        yield f"  play #{number} ({play.hosts}): {play.title}\tTAGS: [{_joined(play.tags)}]"
        if "list_hosts" in wanted:
            yield from _hosts(play, hosts(play))
        if "list_tasks" in wanted:
            yield "    tasks:"
            yield from _tasks(play, play.tasks, selection)
        if "list_tags" in wanted:
            yield f"{_INDENT}TASK TAGS: [{', '.join(sorted(tags_of(play)))}]"


def _hosts(play: Play, names: tuple[str, ...]) -> Iterator[str]:
    yield f"    pattern: {[part.strip() for part in play.hosts.split(',')]}"
    yield f"    hosts ({len(names)}):"
    for name in names:
        yield f"{_INDENT}{name}"


def _tasks(play: Play, nodes: tuple[Node, ...], selection: Selection) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _tasks(play, (*node.block, *node.rescue, *node.always), selection)
        elif not node.implicit and selection.takes((*play.tags, *node.tags)):
            yield f"{_INDENT}{_title(node)}\tTAGS: [{_joined((*play.tags, *node.tags))}]"


def _title(task: Task) -> str:
    title = task.name or task.module
    return f"{task.role.name} : {title}" if task.role else title


def _joined(tags: tuple[str, ...]) -> str:
    return ", ".join(sorted(set(tags)))
