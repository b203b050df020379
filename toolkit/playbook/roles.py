"""Roles: where they are, what they hold, what they depend on."""

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from toolkit.core.suggest import did_you_mean
from toolkit.playbook.context import Context
from toolkit.playbook.faults import Place
from toolkit.playbook.model import Block, Body, Role, Variables
from toolkit.playbook.model import Node as Part
from toolkit.playbook.modules import holds_expression
from toolkit.playbook.nodes import Node, kind_of
from toolkit.playbook.opening import ENDS, first_file, matching

if TYPE_CHECKING:
    from toolkit.playbook.loader import Loading

_OWN_KEYS = frozenset({"role", "name", "vars", "src", "version", "scm"})
_META = frozenset(
    {"allow_duplicates", "argument_specs", "collections", "dependencies", "galaxy_info"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Which file of each folder of a role is used."""

    tasks: str = "main"
    vars: str = "main"
    defaults: str = "main"
    handlers: str = "main"
    public: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """A role at one place: its value, and the tasks, those of its dependencies first."""

    role: Role
    nodes: tuple[Part, ...]


@dataclass(kw_only=True, slots=True)
class Found:
    """What the roles of one play brought: their values, handlers, and which ran already."""

    roles: list[Role] = field(default_factory=list)
    handlers: list[Part] = field(default_factory=list)
    ran: set[tuple[str, str]] = field(default_factory=set)
    with_handlers: set[tuple[str, str]] = field(default_factory=set)


class RoleLoader:
    """Finds and reads roles."""

    def __init__(self, loading: "Loading") -> None:
        self._loading = loading
        self._faults = loading.faults
        self._bodies: dict[tuple[Any, ...], Body] = {}
        self._open: list[str] = []

    def folders(self, context: Context) -> tuple[str, ...]:
        """Where roles are looked for."""
        beside = (os.path.dirname(context.role.path),) if context.role else ()
        own = (os.path.join(context.base, "roles"),)
        return tuple(dict.fromkeys((*own, *beside, *self._loading.roles_path, context.base)))

    def find(self, name: str, place: Place, context: Context) -> str | None:
        """The folder of a role; ``None``, and a fault, where there is none."""
        short = name.rsplit(".", 1)[-1] if name.count(".") == 2 else name
        for candidate in dict.fromkeys((name, short)):
            for folder in self.folders(context):
                path = os.path.normpath(os.path.join(folder, os.path.expanduser(candidate)))
                if os.path.isdir(path):
                    return path
        known = [
            each
            for folder in self.folders(context)[:-1]
            if os.path.isdir(folder)
            for each in os.listdir(folder)
        ]
        looked = f"looked in {', '.join(self.folders(context))}"
        self._faults.add(place, f"there is no role '{name}'", did_you_mean(name, known) or looked)
        return None

    def matching(self, name: str, context: Context) -> dict[str, str]:
        """The roles that a name with expressions may mean."""
        found: dict[str, str] = {}
        for folder in self.folders(context)[:-1]:
            for marker in ("tasks", "vars", "defaults", "meta", "handlers"):
                pattern = f"{name}/{marker}/main.yml"
                for key, path in matching((folder,), pattern, context.known).items():
                    role = key.removesuffix(f"/{marker}/main.yml")
                    found.setdefault(role, os.path.dirname(os.path.dirname(path)))
        return found

    def entries(self, node: Node | None, context: Context) -> tuple[Part, ...]:
        """The tasks of a play's ``roles``."""
        if node is None or node.value is None:
            return ()
        if node.items is None:
            self._faults.add(node.place, f"'roles': expected a list, not {kind_of(node.value)}")
            return ()
        found: list[Part] = []
        for item in node.items:
            found += self._entry(item, context)
        return tuple(found)

    def _entry(self, node: Node, context: Context) -> tuple[Part, ...]:
        """One role of a list, with its keywords and parameters."""
        words: dict[str, Any] = {}
        params: dict[str, Any] = {}
        if isinstance(node.value, str):
            name = node.value
        elif node.entries is not None:
            named = node.get("role") or node.get("name")
            name = str(named.value) if named else ""
            words, params = self._words(node)
            if not name:
                self._faults.add(node.place, "a role without a name")
        else:
            self._faults.add(
                node.place, f"a role is a name or a mapping, not {kind_of(node.value)}"
            )
            return ()
        name = self._loading.rendered(name, context)
        if holds_expression(name):
            self._faults.add(node.place, f"the name of the role '{name}' must be known here")
            return ()
        variables = words.pop("vars", {})
        inner = context.below(words, {}, self._loading.tasks.defaults(node))
        path = self.find(name, node.place, context) if name else None
        if path is None:
            return ()
        return self.use(name, path, inner, params={**params, **variables}).nodes

    def _words(self, node: Node) -> tuple[dict[str, Any], dict[str, Any]]:
        """The keywords of an entry, and its parameters: every other key."""
        from toolkit.playbook.keywords import ROLE  # noqa: PLC0415 - a name beside the method's

        params = {}
        for key, entry in (node.entries or {}).items():
            if key not in ROLE and key not in _OWN_KEYS:
                self._loading.read.expressions(entry.value)
                params[key] = entry.value.plain()
        words = self._loading.tasks.words(node, "r", beside=frozenset(params) | _OWN_KEYS)
        words.pop("name", None)
        return words, params

    def use(
        self,
        name: str,
        path: str,
        context: Context,
        *,
        parts: Parts | None = None,
        params: Variables | None = None,
    ) -> Used:
        """Read a role for one place; it runs once a play unless it differs or says otherwise."""
        parts, params = parts or Parts(), params or {}
        meta = self._meta(path)
        key = (path, repr((sorted(params.items()), parts, context.when, context.layers)))
        found = self._loading.found
        allowed = bool(meta.get("allow_duplicates")) or parts != Parts()
        role = self._role(name, path, context, parts=parts, params=params)
        # An include runs its role again, but not what that depends on.
        if key in found.ran and not allowed and (self._open or not self._loading.dynamic):
            return Used(role=role, nodes=())
        if not self._loading.dynamic:
            found.ran.add(key)
        if path in self._open:
            chain = " -> ".join(os.path.basename(each) for each in (*self._open, path))
            self._faults.add(Place(file=f"{path}/meta/main.yml"), f"roles in a circle: {chain}")
            return Used(role=role, nodes=())
        self._open.append(path)
        try:
            return self._used(role, meta, context, parts)
        finally:
            self._open.pop()

    def _used(self, role: Role, meta: Mapping[str, Any], context: Context, parts: Parts) -> Used:
        inside = replace(context, role=role, folder=f"{role.path}/tasks")
        nodes: list[Part] = []
        before: list[Role] = []
        for item in meta.get("dependencies", ()):
            known = len(self._loading.found.roles)
            nodes += self._entry(item, replace(inside, folder=role.path))
            before += self._loading.found.roles[known:]
        full = self._with(role, before)
        inside = replace(inside, role=full)
        self._loading.found.roles.append(full)
        self._handlers(full, inside, parts)
        file = first_file((f"{role.path}/tasks",), parts.tasks, ENDS)
        if file:
            nodes += self._loading.includes.file(file, inside)
        elif parts.tasks != "main":
            self._faults.add(
                Place(file=role.path), f"the role '{role.name}' has no tasks/{parts.tasks}"
            )
        done = Block(place=Place(file=role.path), name=role.name, block=tuple(nodes))
        return Used(role=full, nodes=(done,) if nodes else ())

    def body(self, name: str, path: str, context: Context, *, parts: Parts) -> Body:
        """A role for an ``include_role``, read once for each way in which it is included."""
        key = (path, parts, context.role, repr((context.words, context.when, context.tags)))
        if key not in self._bodies:
            body = self._bodies[key] = Body()
            was, self._loading.dynamic = self._loading.dynamic, True
            try:
                used = self.use(name, path, context, parts=parts)
            finally:
                self._loading.dynamic = was
            body.nodes, body.role = used.nodes, used.role
        return self._bodies[key]

    def _role(
        self, name: str, path: str, context: Context, *, parts: Parts, params: Variables
    ) -> Role:
        above = context.role
        inherited = dict(above.params) if above and self._open else {}
        variables = dict(above.vars) if above and self._open else {}
        defaults = dict(above.defaults) if above and self._open else {}
        return Role(
            name=os.path.basename(name) if "/" in name else name,
            path=path,
            defaults={**defaults, **self._variables(path, "defaults", parts.defaults)},
            vars={**variables, **self._variables(path, "vars", parts.vars)},
            params={**inherited, **params},
            parents=(above.name, *above.parents) if above else (),
            public=parts.public and not self._loading.dynamic,
        )

    @staticmethod
    def _with(role: Role, before: list[Role]) -> Role:
        """The role that sees its dependencies' variables, below its own."""
        defaults: dict[str, Any] = {}
        variables: dict[str, Any] = {}
        for other in before:
            defaults.update(other.defaults)
            variables.update(other.vars)
        return replace(
            role, defaults={**defaults, **role.defaults}, vars={**variables, **role.vars}
        )

    def _variables(self, path: str, folder: str, name: str) -> dict[str, Any]:
        top = f"{path}/{folder}/{name}"
        if os.path.isdir(top):
            files = sorted(glob.glob(f"{glob.escape(top)}/**/*.y*ml", recursive=True))
        else:
            file = first_file((f"{path}/{folder}",), name, ENDS)
            files = [file] if file else []
            if name != "main" and not file:
                self._faults.add(Place(file=path), f"the role has no {folder}/{name}")
        found: dict[str, Any] = {}
        for each in files:
            found.update(self._loading.variables(each))
        return found

    def _handlers(self, role: Role, context: Context, parts: Parts) -> None:
        file = first_file((f"{role.path}/handlers",), parts.handlers, ENDS)
        key = (role.path, parts.handlers)
        if file is None or key in self._loading.found.with_handlers:
            return
        self._loading.found.with_handlers.add(key)
        inner = replace(context, kind="h", folder=f"{role.path}/handlers", when=(), tags=())
        root = self._loading.open.yaml(file)
        nodes = self._loading.tasks.nodes(root, "handlers", inner)
        self._loading.found.handlers += nodes

    def _meta(self, path: str) -> dict[str, Any]:
        """``dependencies`` as nodes, ``allow_duplicates`` as it is."""
        file = first_file((f"{path}/meta",), "main", ENDS)
        root = self._loading.open.yaml(file) if file else None
        if root is None or root.value is None:
            return {}
        if root.entries is None:
            self._faults.add(root.place, f"expected a mapping, not {kind_of(root.value)}")
            return {}
        for key, entry in root.entries.items():
            if key not in _META:
                hint = did_you_mean(key, _META)
                self._faults.add(entry.key.place, f"unknown key '{key}' of a role's meta", hint)
        needed = root.get("dependencies")
        duplicates = root.get("allow_duplicates")
        return {
            "dependencies": (needed.items or ()) if needed else (),
            "allow_duplicates": bool(duplicates and duplicates.value),
        }
