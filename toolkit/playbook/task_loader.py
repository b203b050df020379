"""Lists of tasks as YAML holds them: blocks, keywords and what they hand down, modules, imports."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.suggest import nearest
from toolkit.playbook import keywords
from toolkit.playbook.actions import INCLUDES, STATIC
from toolkit.playbook.context import Context
from toolkit.playbook.lookup_names import LOOPS
from toolkit.playbook.model import Block, Task
from toolkit.playbook.model import Node as Part
from toolkit.playbook.modules import Module, canonical, holds_expression, is_known
from toolkit.playbook.nodes import Entry, Node, kind_of

if TYPE_CHECKING:
    from toolkit.playbook.loader import Loading

_PARTS = ("block", "rescue", "always")
_ACTIONS = ("action", "local_action")


class TaskLoader:
    """Reads the tasks of one playbook, whatever files they stand in."""

    def __init__(self, loading: "Loading") -> None:
        self._loading = loading
        self._faults = loading.faults
        self._read = loading.read

    def nodes(self, node: Node | None, what: str, context: Context) -> tuple[Part, ...]:
        """A list of tasks, blocks or handlers; what is none is a fault and left out."""
        if node is None or node.value is None:
            return ()
        if node.items is None:
            self._faults.add(node.place, f"'{what}': expected a list, not {kind_of(node.value)}")
            return ()
        found: list[Part] = []
        for item in node.items:
            found += self._one(item, context)
        return tuple(found)

    def _one(self, node: Node, context: Context) -> tuple[Part, ...]:
        if node.entries is None:
            self._faults.add(node.place, f"a task is a mapping, not {kind_of(node.value)}")
            return ()
        if any(part in node.entries for part in _PARTS):
            return (self._block(node, context),)
        return self._task(node, context)

    def words(self, node: Node, kind: str, *, beside: frozenset[str]) -> dict[str, Any]:
        """The keywords of a mapping, read and checked; ``beside`` are keys that others read."""
        found: dict[str, Any] = {}
        for name, entry in (node.entries or {}).items():
            keyword = keywords.KEYWORDS.get(name)
            if keyword and kind in keyword.where:
                value = getattr(self._read, keyword.read)(entry.value, name)
                if value is not None:
                    found[name] = value
            elif name not in beside and name not in keywords.known(kind) and not is_known(name):
                self._read.unknown_key(entry.key, kind)
        return found

    def defaults(self, node: Node) -> dict[str, dict[str, Any]]:
        """``module_defaults``: arguments by module, for all that stands inside."""
        found: dict[str, dict[str, Any]] = {}
        given = node.get("module_defaults")
        if given is None or given.value is None:
            return found
        if given.entries is None:
            self._faults.add(given.place, "'module_defaults': expected a mapping")
            return found
        for name, entry in given.entries.items():
            if name.startswith("group/"):
                self._faults.add(entry.key.place, f"the group of modules '{name}' is not known")
            elif not is_known(name):
                self._loading.modules.unknown(entry.key, name)
            elif entry.value.entries is None:
                self._faults.add(entry.value.place, f"'{name}': expected a mapping of arguments")
            else:
                self._read.expressions(entry.value)
                found[canonical(name)] = entry.value.plain()
        return found

    def _block(self, node: Node, context: Context) -> Block:
        words = self.words(node, "b", beside=frozenset())
        name = words.pop("name", "")
        inner = context.below(words, words.pop("vars", {}), self.defaults(node))
        if "block" not in (node.entries or {}):
            self._faults.add(node.place, "'rescue' and 'always' need a 'block' that they belong to")
        self._tell_notified(node, context)
        parts = {part: self.nodes(node.get(part), part, inner) for part in _PARTS}
        return Block(place=node.place, name=name, **parts)

    def _task(self, node: Node, context: Context) -> tuple[Part, ...]:
        module = self._module(node, context)
        if module is None:
            return ()
        words = self._words(node, context, module)
        inner = context.below(words, words.get("vars", {}), self.defaults(node))
        module = self._loading.modules.with_defaults(module, inner)
        if module.name in STATIC:
            return self._loading.includes.static(module, words, node, inner)
        arguments = self._loading.modules.checked(module)
        more: dict[str, Any] = {}
        if module.name in INCLUDES:
            more["bodies"] = self._loading.includes.bodies(module, context, node)
            more["params"] = bool(words.get("vars"))
        elif module.name == "include_vars":
            more["values"] = self._loading.includes.values(module, inner)
        own = {key: value for key, value in words.items() if key not in ("name", "vars", "tags")}
        handed = {key: value for key, value in inner.words.items() if key not in own}
        whole = {**handed, **own}
        whole |= {key: inner.words[key] for key in ("environment", "notify") if key in inner.words}
        if inner.when:
            whole["when"] = inner.when
        return (
            Task(
                place=node.place,
                module=module.name,
                args=arguments,
                name=words.get("name", ""),
                words=whole,
                tags=inner.tags,
                layers=inner.layers,
                role=context.role,
                ships=self._loading.modules.ships(module, inner),
                **more,
            ),
        )

    def _words(self, node: Node, context: Context, module: Module) -> dict[str, Any]:
        beside = frozenset({module.key, *(key for key in node.entries or {} if _is_loop(key))})
        words = self.words(node, context.kind, beside=beside)
        words.pop("args", None)
        words.pop("collections", None)
        if module.local:
            words["delegate_to"] = "localhost"
        self._loop(node, words)
        self._tell_notified(node, context)
        return words

    def _tell_notified(self, node: Node, context: Context) -> None:
        """Remember which handlers are named, and where: all of them must exist in the end."""
        notify = node.get("notify")
        if notify is None:
            return
        role = context.role.name if context.role else ""
        for name in notify.items if notify.items is not None else (notify,):
            if isinstance(name.value, str):
                self._loading.notified.append((name.value, role, name.place))

    def _loop(self, node: Node, words: dict[str, Any]) -> None:
        loops = [key for key in node.entries or {} if key == "loop" or _is_loop(key)]
        for key in loops[1:]:
            entry = (node.entries or {})[key]
            self._faults.add(entry.key.place, f"a second loop, '{key}', beside '{loops[0]}'")
        if not loops:
            return
        value = node.get(loops[0])
        assert value is not None
        self._read.expressions(value)
        if loops[0] == "loop":
            self._check_loop(value)
            words["loop"] = value.plain()
            return
        name = loops[0].removeprefix("with_")
        if name not in LOOPS:
            entry = (node.entries or {})[loops[0]]
            hint = f"known: {', '.join(sorted(LOOPS))}"
            self._faults.add(entry.key.place, f"there is no loop '{loops[0]}'", hint)
        words["with"] = [name, value.plain()]

    def _check_loop(self, node: Node) -> None:
        is_text = isinstance(node.value, str) and holds_expression(node.value)
        if node.items is None and not is_text:
            said = f"'loop': expected a list or an expression, not {kind_of(node.value)}"
            self._faults.add(node.place, said)

    def _module(self, node: Node, context: Context) -> Module | None:
        """The task's module with its arguments as written; faults where it is none or two."""
        found: list[tuple[str, Entry]] = []
        strange: list[Entry] = []
        taken = keywords.known(context.kind)
        for key, entry in (node.entries or {}).items():
            if is_known(key) or key in _ACTIONS:
                found.append((key, entry))
            elif key not in taken and not _is_loop(key):
                strange.append(entry)
        self._strange(strange, context, alone=not found)
        if not found:
            if not strange:
                self._faults.add(node.place, "a task without a module")
            return None
        for key, entry in found[1:]:
            first = canonical(found[0][0])
            said = f"a second module, '{canonical(key)}', beside '{first}'"
            self._faults.add(entry.key.place, said)
        key, entry = found[0]
        return self._loading.modules.written(key, entry, node.get("args"))

    def _strange(self, entries: list[Entry], context: Context, *, alone: bool) -> None:
        """Keys that are neither keyword nor module; the module itself may be among them."""
        for entry in entries:
            name = str(entry.key.value)
            near = nearest(name, keywords.known(context.kind))
            elsewhere = name in keywords.REFUSED or name in keywords.PLAY | keywords.HANDLER
            if elsewhere or not alone or near:
                self._read.unknown_key(entry.key, context.kind)
            else:
                self._loading.modules.unknown(entry.key, name)


def _is_loop(key: str) -> bool:
    return keywords.is_old_loop(key)


def without(words: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The keywords without some of them."""
    return {key: value for key, value in words.items() if key not in names}
