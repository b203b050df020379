"""Files that came with the play, on the host: a task's ``src`` becomes what the host can read.

What could not be foreseen is asked of the controller when it is needed.
"""

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.asking import Ask, nobody
from toolkit.playbook.shipped import as_taken, file_of, folder_of, key_of
from toolkit.tasks.host import Host

if TYPE_CHECKING:
    from toolkit.playbook.scope import Scope

_MARKS = tuple(
    f"{kind}_{end}_string" for kind in ("variable", "block", "comment") for end in ("start", "end")
)


class Sources:
    """The files of the task that runs: ``use`` names them by folder, name and digest."""

    def __init__(self, host: Host, ask: Ask = nobody) -> None:
        self._host = host
        self._ask = ask
        self._names: Mapping[str, Mapping[str, str]] = {}
        self._where: dict[str, str] = {}

    @property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """The files of the task that runs."""
        return self._names

    def use(self, task: Mapping[str, Any], scope: "Scope") -> None:
        """Look in the files that came with this task, and where it stands."""
        self._names = task.get("ships", {})
        role = scope.find("role_path")
        self._where = {
            "role": role if isinstance(role, str) else "",
            "place": str(task.get("place", "")),
        }

    def include(self, name: str) -> str | None:
        """The template that another one includes."""
        digest = self._names.get("templates", {}).get(name)
        return (
            self._asked("templates", name).decode() if digest is None else self._text(digest, name)
        )

    def resolve(
        self, module: str, arguments: Mapping[str, Any], scope: "Scope", task: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The arguments with ``src`` replaced by the digest of what was sent.

        A template is rendered here, since only the runner knows the variables.
        """
        self.use(task, scope)
        arguments = as_taken(module, arguments)
        folder = folder_of(module, remote=_is_true(arguments.get("remote_src", False)))
        key = key_of(module, arguments)
        if not folder or not isinstance(arguments.get(key), str):
            return arguments
        whole = str(arguments[key])
        name = file_of(module, whole)
        if module != "template":
            digest = self._digest(folder, name)
            return {**arguments, key: f"{digest}#{posixpath.basename(name)}{whole[len(name) :]}"}
        return {**arguments, "src": name, "content": self._rendered(name, arguments, scope)}

    def _rendered(self, name: str, arguments: Mapping[str, Any], scope: "Scope") -> str:
        known = self._names.get("templates", {})
        text = self._text(known[name], name) if name in known else self._decoded("templates", name)
        scope.set_local("template_path", name)
        scope.set_local("ansible_managed", "Ansible managed")
        return scope.engine.file(
            text,
            name,
            trim_blocks=_is_true(arguments.get("trim_blocks", True)),
            lstrip_blocks=_is_true(arguments.get("lstrip_blocks", False)),
            marks={mark: str(arguments[mark]) for mark in _MARKS if arguments.get(mark)},
        )

    def text(self, folder: str, name: str) -> str:
        """The text of a file of the controller, as ``file`` and ``template`` look it up."""
        known = self._names.get(folder, {})
        return self._text(known[name], name) if name in known else self._decoded(folder, name)

    def _digest(self, folder: str, name: str) -> str:
        known = self._names.get(folder, {})
        if name in known:
            return known[name]
        content = self._asked(folder, name)
        return self._host.keep_artifact(content)

    def _asked(self, folder: str, name: str) -> bytes:
        """The content of a file that did not come with the play."""
        found = self._ask({"do": "file", "folder": folder, "name": name, **self._where})
        content: bytes = found["body"]
        return content

    def _decoded(self, folder: str, name: str) -> str:
        return _as_text(self._asked(folder, name), name)

    def _text(self, digest: str, name: str) -> str:
        return _as_text(self._host.artifact(digest), name)


def _as_text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the template '{name}' is no text: {error}") from None


def _is_true(value: object) -> bool:
    return str(value).lower() in ("yes", "on", "true", "1")
