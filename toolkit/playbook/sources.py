"""Files that came with the play, on the host: a task's ``src`` becomes what the host can read."""

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.shipped import FOLDERS, as_taken, folder_of
from toolkit.tasks.host import Host

if TYPE_CHECKING:
    from toolkit.playbook.scope import Scope


class Sources:
    """``names`` maps a folder (``files``, ``templates``) to names and digests."""

    def __init__(self, names: Mapping[str, Mapping[str, str]], host: Host) -> None:
        self._names = names
        self._host = host

    def include(self, name: str) -> str | None:
        """The template that another one includes."""
        digest = self._names.get(FOLDERS["template"], {}).get(name)
        return None if digest is None else self._text(digest, name)

    def resolve(self, module: str, arguments: Mapping[str, Any], scope: "Scope") -> dict[str, Any]:
        """The arguments with ``src`` replaced by the digest of what was sent.

        A template is rendered here, since only the runner knows the variables.
        """
        arguments = as_taken(module, arguments)
        folder = folder_of(module, remote=_is_true(arguments.get("remote_src", False)))
        if not folder or not isinstance(arguments.get("src"), str):
            return arguments
        name = str(arguments["src"])
        digest = self._digest(folder, name)
        if module != "template":
            return {**arguments, "src": f"{digest}#{posixpath.basename(name)}"}
        content = scope.engine.file(
            self._text(digest, name),
            name,
            trim_blocks=_is_true(arguments.get("trim_blocks", True)),
            lstrip_blocks=_is_true(arguments.get("lstrip_blocks", False)),
        )
        return {**arguments, "src": name, "content": content}

    def _digest(self, folder: str, name: str) -> str:
        known = self._names.get(folder, {})
        if name not in known:
            raise NotFoundError(
                f"'{name}' is not among the play's {folder}", hint=did_you_mean(name, known)
            )
        return known[name]

    def _text(self, digest: str, name: str) -> str:
        try:
            return self._host.artifact(digest).decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"the template '{name}' is no text: {error}") from None


def _is_true(value: object) -> bool:
    return str(value).lower() in ("yes", "on", "true", "1")
