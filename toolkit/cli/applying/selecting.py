"""Tags and the task to start at: what a person typed, checked against the playbook."""

import fnmatch
from collections.abc import Iterable
from dataclasses import replace

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.compiler import Selection
from toolkit.playbook.model import Play, Playbook, Task

_MEANT = frozenset({"all", "always", "never", "tagged", "untagged"})


def words(given: Iterable[str]) -> frozenset[str]:
    """Tags, given once or more often, with commas between them."""
    return frozenset(word.strip() for text in given for word in text.split(",") if word.strip())


def tags_of(play: Play) -> frozenset[str]:
    """Every tag in a play."""
    tasks = (task for task in play.every_task() if not task.implicit)
    return frozenset(play.tags).union(*(task.tags for task in tasks))


def check_tags(playbook: Playbook, selection: Selection) -> None:
    """``InvalidInputError`` for a tag that no task has: it would silently select nothing."""
    known = _MEANT.union(*(tags_of(play) for play in playbook.plays))
    if any("{{" in tag for tag in known):
        return
    for flag, wanted in (("--tags", selection.only), ("--skip-tags", selection.skip)):
        for tag in sorted(wanted - known):
            hint = did_you_mean(tag, known) or "--list-tags shows all"
            raise InvalidInputError(f"{flag}: no task has the tag '{tag}'", hint=hint)


def starting_at(playbook: Playbook, name: str) -> Playbook:
    """The playbook from the first play on that has such a task; a pattern may name it."""
    if not name:
        return playbook
    for number, play in enumerate(playbook.plays):
        if any(_fits(task, name) for task in play.every_task()):
            return replace(playbook, plays=playbook.plays[number:])
    titles = [title for play in playbook.plays for task in play.every_task() for title in _of(task)]
    raise InvalidInputError(
        f"--start-at-task: there is no task '{name}'",
        hint=did_you_mean(name, titles) or "--list-tasks shows all",
    )


def _fits(task: Task, name: str) -> bool:
    return any(fnmatch.fnmatchcase(title, name) for title in _of(task))


def _of(task: Task) -> tuple[str, ...]:
    """What a task is called: its name alone, and below its role's."""
    if task.implicit:
        return ()
    title = task.name or task.module
    return (title, f"{task.role.name} : {title}") if task.role else (title,)
