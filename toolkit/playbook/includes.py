"""Files of tasks and roles that a task names: imported where it stands, or kept for its turn.

What is imported is read in place. What is included is read too, and checked, whatever its name may
render to; the host chooses. A file that includes itself is read once.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.core.suggest import did_you_mean
from toolkit.playbook.context import Context
from toolkit.playbook.model import Block, Body, Variables
from toolkit.playbook.model import Node as Part
from toolkit.playbook.modules import Module, holds_expression
from toolkit.playbook.nodes import Node
from toolkit.playbook.opening import ENDS, first_file, matching
from toolkit.playbook.roles import Parts

if TYPE_CHECKING:
    from toolkit.playbook.loader import Loading

_FROM = ("tasks_from", "vars_from", "defaults_from", "handlers_from")
_VARIABLE_ENDS = (".yml", ".yaml", ".json")


class Includes:
    """Reads what ``include_*`` and ``import_*`` name."""

    def __init__(self, loading: "Loading") -> None:
        self._loading = loading
        self._faults = loading.faults
        self._bodies: dict[tuple[Any, ...], Body] = {}

    def static(
        self, module: Module, words: Mapping[str, Any], node: Node, context: Context
    ) -> tuple[Part, ...]:
        """The tasks that an import puts in its place."""
        arguments = self._loading.modules.checked(module)
        for word in ("loop", "with", "register", "until", "async"):
            if word in words:
                said = (
                    f"'{word}' cannot be used with {module.name}: it is no task when the play runs"
                )
                self._faults.add(node.place, said, f"use include_{module.name[7:]}")
        name = str(arguments.get("file" if module.name == "import_tasks" else "name", ""))
        name = name or str(arguments.get("_raw_params", arguments.get("role", "")))
        name = self._loading.rendered(name, context)
        if holds_expression(name):
            said = f"the name '{name}' of what is imported must be known before the play runs"
            self._faults.add(module.node.place, said, f"use include_{module.name[7:]}")
            return ()
        if not name:
            return ()
        if module.name == "import_tasks":
            nodes = self._imported_file(module, name, context)
        else:
            parts = _parts(arguments)
            found = self._loading.roles.find(name, module.node.place, context)
            nodes = ()
            if found:
                nodes = self._loading.roles.use(name, found, context, parts=parts).nodes
        return (Block(place=node.place, name="", block=nodes),) if nodes else ()

    def _imported_file(self, module: Module, name: str, context: Context) -> tuple[Part, ...]:
        path = first_file(context.task_folders, name)
        if path is None:
            self._missing(module, name, context)
            return ()
        return self.file(path, context)

    def file(self, path: str, context: Context) -> tuple[Part, ...]:
        """The tasks of a file; one that imports itself is a fault."""
        if path in self._loading.open_files:
            self._faults.add(
                type(self._loading.place)(file=path), "it imports itself", "use include_tasks"
            )
            return ()
        self._loading.open_files.append(path)
        try:
            root = self._loading.open.yaml(path)
            inner = replace(context, folder=os.path.dirname(path))
            return self._loading.tasks.nodes(root, os.path.basename(path), inner)
        finally:
            self._loading.open_files.pop()

    def bodies(self, module: Module, context: Context, node: Node) -> dict[str, Body]:
        """What an include may run, by the name that it would be asked for."""
        arguments = module.node.plain()
        inner = context
        apply = module.node.get("apply")
        if apply is not None and apply.entries is not None:
            words = self._loading.tasks.words(apply, "b", beside=frozenset())
            words.pop("name", None)
            inner = context.below(words, words.pop("vars", {}), self._loading.tasks.defaults(apply))
        if module.name == "include_tasks":
            return self._task_files(module, arguments, inner)
        return self._roles(module, arguments, inner, node)

    def _task_files(
        self, module: Module, arguments: Mapping[str, Any], context: Context
    ) -> dict[str, Body]:
        name = str(arguments.get("file", arguments.get("_raw_params", "")))
        if not name:
            return {}
        if holds_expression(name):
            found = matching(context.task_folders, name, context.known)
            paths = {key: path for key, path in found.items() if self._holds_tasks(path)}
        else:
            path = first_file(context.task_folders, name)
            if path is None:
                self._missing(module, name, context)
                return {}
            paths = {name: path}
        return {key: self._body(path, context) for key, path in paths.items()}

    def _body(self, path: str, context: Context) -> Body:
        words = repr((context.words, context.when, context.tags))
        layers = tuple(map(id, context.layers))
        key: tuple[Any, ...] = (path, context.role, context.kind, words, layers)
        if key in self._bodies:
            return self._bodies[key]
        if any(known[:2] == key[:2] and path in self._loading.open_files for known in self._bodies):
            # It includes itself, from inside a block: the outer reading will do.
            return next(body for known, body in self._bodies.items() if known[:2] == key[:2])
        body = self._bodies[key] = Body(role=context.role)
        self._loading.open_files.append(path)
        try:
            root = self._loading.open.yaml(path)
            inner = replace(context, folder=os.path.dirname(path))
            body.nodes = self._loading.tasks.nodes(root, os.path.basename(path), inner)
        finally:
            self._loading.open_files.pop()
        return body

    def _roles(
        self, module: Module, arguments: Mapping[str, Any], context: Context, node: Node
    ) -> dict[str, Body]:
        written = str(arguments.get("name", arguments.get("role", "")))
        name = self._loading.rendered(written, context)
        roles = self._loading.roles
        if holds_expression(name):
            found = roles.matching(name, context)
        else:
            path = roles.find(name, module.node.place, context)
            found = {name: path} if path else {}
        made: dict[str, Body] = {}
        for role, path in found.items():
            for tasks_from in self._tasks_of(path, str(arguments.get("tasks_from", "main"))):
                parts = replace(_parts(arguments), tasks=tasks_from)
                body = roles.body(role, path, context, parts=parts)
                made[f"{role}|{tasks_from}"] = body
        return made

    def _tasks_of(self, path: str, name: str) -> list[str]:
        if not holds_expression(name):
            return [name]
        found = matching((f"{path}/tasks",), name, {})
        ends = {key.removesuffix(end) for key in found for end in ENDS[1:] if key.endswith(end)}
        return sorted({*found, *ends})

    def values(self, module: Module, context: Context) -> dict[str, Variables]:
        """The files of variables that an ``include_vars`` may read."""
        arguments = module.node.plain()
        name = str(arguments.get("file") or arguments.get("_raw_params") or "")
        if arguments.get("dir"):
            return self._folder(module, str(arguments["dir"]), context)
        if not name:
            return {}
        folders = _variable_folders(context)
        if holds_expression(name):
            found = matching(folders, name, context.known)
            paths = {key: path for key, path in found.items() if self._holds_variables(path)}
        else:
            path = first_file(folders, name)
            if path is None:
                hint = did_you_mean(os.path.basename(name), _names(folders))
                self._faults.add(module.node.place, f"there is no file '{name}'", hint)
                return {}
            paths = {name: path}
        return {key: self._loading.variables(path) for key, path in paths.items()}

    def _folder(self, module: Module, name: str, context: Context) -> dict[str, Variables]:
        """The files below a folder, by their path below it; the host chooses among them."""
        if holds_expression(name):
            self._faults.add(module.node.place, "include_vars: 'dir' cannot be an expression")
            return {}
        places = (os.path.join(folder, name) for folder in _variable_folders(context))
        top = next(filter(os.path.isdir, places), None)
        if top is None:
            self._faults.add(module.node.place, f"there is no folder '{name}'")
            return {}
        found: dict[str, Variables] = {}
        for directory, folders, names in os.walk(top):
            folders.sort()
            for each in sorted(names):
                if each.endswith(_VARIABLE_ENDS):
                    path = os.path.join(directory, each)
                    found[os.path.relpath(path, top)] = self._loading.variables(path)
        return found

    def _holds_tasks(self, path: str) -> bool:
        """Whether a file that a name may mean is one of tasks: plays lie about too."""
        root = self._loading.open.yaml(path)
        if root is None or root.items is None:
            return False
        return not any(node.get("hosts") or node.get("import_playbook") for node in root.items)

    def _holds_variables(self, path: str) -> bool:
        root = self._loading.open.yaml(path)
        return root is not None and (root.entries is not None or root.value is None)

    def _missing(self, module: Module, name: str, context: Context) -> None:
        hint = did_you_mean(os.path.basename(name), _names(context.task_folders))
        tried = f"looked in {' and '.join(context.task_folders)}"
        self._faults.add(module.node.place, f"there is no file '{name}'", hint or tried)


def _variable_folders(context: Context) -> tuple[str, ...]:
    folders = [f"{context.role.path}/vars"] if context.role else []
    for folder in (context.folder, context.base):
        folders += [folder, os.path.join(folder, "vars")]
    return tuple(dict.fromkeys(folders))


def _names(folders: tuple[str, ...]) -> list[str]:
    return [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]


def _parts(arguments: Mapping[str, Any]) -> Parts:
    given = {name[:-5]: str(arguments[name]) for name in _FROM if name in arguments}
    return Parts(**given, public=arguments.get("public") is not False)
