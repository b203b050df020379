"""Names that nothing can define, found before a host is touched.

Only what is certain is told: a name that no variable, result, fact, loop or inventory of the whole
run has, in an expression that is certain to be evaluated. What stands behind a condition, a loop,
an ``and``, a filter's arguments or ``ignore_errors`` may never be looked at, so it is left alone;
so is all of a playbook that names variables by expressions.
"""

import re
from collections.abc import Iterable, Iterator

import jinja2
from jinja2 import nodes

from toolkit.core.suggest import did_you_mean
from toolkit.playbook.compiler import Selection
from toolkit.playbook.faults import Faults, Place
from toolkit.playbook.model import Block, Node, Play, Playbook, Role, Task, VarsFile
from toolkit.playbook.templating import Engine, is_expression, strings

_NAME = re.compile(r"[A-Za-z_]\w*")
_MAGIC = frozenset(
    [
        *("ansible_facts", "caller", "environment", "group_names", "groups", "hostvars", "item"),
        *("kwargs", "loop", "lookup", "omit", "packages", "play_hosts", "playbook_dir", "q"),
        *("query", "role_name", "role_names", "role_path", "self", "services", "super"),
        *("template_destpath", "template_fullpath", "template_host", "template_path"),
        *("template_run_date", "template_uid", "varargs", "vars"),
    ]
)
_PREFIXES = ("ansible_", "dockyard_", "inventory_", "getent_")
_ENDS = ("end_play", "end_host", "end_batch", "end_role")
_OWN_MARKS = ("variable_start_string", "block_start_string", "comment_start_string")


def check_names(playbook: Playbook, selection: Selection, known: Iterable[str]) -> None:
    """``PlaybookError`` with every name that is certainly undefined, each at its task.

    ``known`` are the names that inventories and the command line define.
    """
    names = _MAGIC.union(known)
    for play in playbook.plays:
        found = _defined_by(play)
        if found is None:
            return
        names |= found
    faults = Faults()
    checker = _Checker(names, selection, faults)
    for play in playbook.plays:
        checker.play(play)
    faults.check()


def _defined_by(play: Play) -> frozenset[str] | None:
    """The names that a play may define; ``None`` where only the run can know them."""
    names = {*play.vars, *(prompt.name for prompt in play.vars_prompt)}
    for file in play.vars_files:
        if _is_dynamic(file):
            return None
        names.update(name for found in file.found.values() for name in found)
    for role in play.roles:
        names |= _of_role(role)
    for task in play.every_task():
        found = _of_task(task)
        if found is None:
            return None
        names |= found
    return frozenset(names)


def _is_dynamic(file: VarsFile) -> bool:
    return any(is_expression(name) for name in file.names)


def _of_role(role: Role | None) -> set[str]:
    return {*role.defaults, *role.vars, *role.params} if role else set()


def _of_task(task: Task) -> set[str] | None:
    names = {name for layer in task.layers for name in layer} | _of_role(task.role)
    control = task.words.get("loop_control", {})
    names |= {str(control[key]) for key in ("loop_var", "index_var") if key in control}
    names.add(str(task.words.get("register", "")))
    names |= {str(name) for found in task.values.values() for name in found}
    if task.module in ("set_fact", "add_host"):
        names |= set(task.args)
    if task.module == "include_vars":
        names.add(str(task.args.get("name", "")))
        if not task.values:
            return None
    if any(is_expression(name) for name in names):
        return None
    return names


class _Checker:
    def __init__(self, names: frozenset[str], selection: Selection, faults: Faults) -> None:
        self._names = names
        self._selection = selection
        self._faults = faults
        self._engine = Engine()
        self._play: Play

    def play(self, play: Play) -> None:
        """Look at the play's own tasks; handlers may never be notified."""
        self._play = play
        self._nodes(play.tasks)

    def _nodes(self, parts: Iterable[Node]) -> bool:
        """Whether what follows is certain to be reached."""
        return all(self._node(part) for part in parts)

    def _node(self, part: Node) -> bool:
        if isinstance(part, Block):
            going = bool(part.rescue) or self._nodes(part.block)
            return self._nodes(part.always) and going
        ends = part.module == "meta" and any(word in _ENDS for word in map(str, part.args.values()))
        if ends or part.module == "fail":
            return False
        if not part.implicit and self._selection.takes((*self._play.tags, *part.tags)):
            self._task(part)
        return True

    def _task(self, task: Task) -> None:
        words = task.words
        if words.get("ignore_errors"):
            return
        for condition in words.get("when", ())[:1]:
            if isinstance(condition, str):
                bare = not is_expression(condition)
                self._text(f"{{{{ {condition} }}}}" if bare else condition, task.place)
        if words.get("when"):
            return
        for key in ("loop", "with"):
            if key in words:
                for text in strings(words[key]):
                    self._text(text, task.place)
                return
        if task.module == "debug" and "verbosity" in task.args:
            return
        for text in strings(task.args):
            self._text(text, task.place)
        self._template(task)

    def _template(self, task: Task) -> None:
        """A template that is certain to be rendered."""
        files = task.ships.get("templates", {})
        source = str(task.args.get("src", ""))
        if source not in files or any(mark in task.args for mark in _OWN_MARKS):
            return
        with open(files[source], encoding="utf-8", errors="replace") as file:
            self._text(file.read(), Place(file=files[source]), lines=True)

    def _text(self, text: str, place: Place, *, lines: bool = False) -> None:
        if self._names.issuperset(_NAME.findall(text)) or text.startswith("$ANSIBLE_VAULT"):
            return
        try:
            tree = self._engine.tree(text)
        except jinja2.TemplateSyntaxError:
            return  # the loader has told it, or the file has marks of its own
        stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        stored |= {node.name for node in tree.find_all(nodes.Macro)}
        stored |= set(self._imported(tree))
        for node in _certain(tree):
            name = node.name
            known = name in stored or name in self._names or name.startswith(_PREFIXES)
            if known or self._engine.has_global(name):
                continue
            where = Place(file=place.file, line=node.lineno) if lines else place
            self._faults.add(
                where, f"nothing defines '{name}'", did_you_mean(name, self._names - _MAGIC)
            )

    @staticmethod
    def _imported(tree: nodes.Template) -> Iterator[str]:
        for node in tree.find_all((nodes.Import, nodes.FromImport)):
            if isinstance(node, nodes.Import):
                yield node.target
            elif isinstance(node, nodes.FromImport):
                for name in node.names:
                    yield name if isinstance(name, str) else name[1]


def _certain(node: nodes.Node) -> Iterator[nodes.Name]:
    """The names that are looked up whatever the values are."""
    if isinstance(node, nodes.Name):
        if node.ctx == "load":
            yield node
        return
    for child in _looked_at(node):
        yield from _certain(child)


def _looked_at(node: nodes.Node) -> Iterable[nodes.Node]:
    """The parts of a node that are certain to be looked at."""
    for kind, part in _FIRST.items():
        if isinstance(node, kind):
            if getattr(node, "name", "") in _ASKING:
                return ()
            found = getattr(node, part)
            return () if found is None else (found,)
    return () if isinstance(node, _UNCERTAIN) else node.iter_child_nodes()


_ASKING = ("d", "default", "defined", "undefined")
_FIRST: dict[type[nodes.Node], str] = {
    nodes.And: "left",
    nodes.Call: "node",
    nodes.CondExpr: "test",
    nodes.Filter: "node",
    nodes.For: "iter",
    nodes.If: "test",
    nodes.Or: "left",
    nodes.Test: "node",
}
_UNCERTAIN = (
    nodes.List,
    nodes.Dict,
    nodes.Tuple,
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.Include,
    nodes.With,
    nodes.Block,
)
