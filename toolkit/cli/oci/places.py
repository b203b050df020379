"""Where a container's state is, and which names may be a container's."""

import os

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.record import record
from toolkit.runtime import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.core.errors import ToolkitError
    from toolkit.runtime.request import StartRequest
    from toolkit.runtime.states import State

_ALSO = "_+-."
_LONGEST = 200  # bytes: the name of a directory, with room for what is put before and after it


@record
class Where:
    """``root`` is the folder of all states; ``warn`` tells of what does not stop a command.

    With ``systemd`` it makes the cgroups of new containers, asked at the address ``bus``.
    """

    root: str
    warn: "Callable[[ToolkitError], None]"
    systemd: bool = False
    bus: str = ""

    def state_dir(self, name: str) -> str:
        """The state directory of a container; ``InvalidInputError`` where the name is none."""
        good = all(letter in _ALSO or (letter.isascii() and letter.isalnum()) for letter in name)
        if not name or not good or name.startswith(".") or len(name) > _LONGEST:
            raise InvalidInputError(
                f"'{name}' is no container id",
                hint="letters, digits, '_', '+', '-' and '.', which does not come first",
            )
        return f"{self.root}/{name}"

    def find(self, name: str) -> "tuple[StartRequest, State]":
        """A container; ``NotFoundError`` where there is none."""
        path = self.state_dir(name)
        request, state = states.read_request(path), states.read_state(path)
        if request is None or state is None:
            raise NotFoundError(f"container '{name}' does not exist")
        return request, state

    def names(self) -> list[str]:
        """The ids of all containers."""
        try:
            found = sorted(os.listdir(self.root))
        except FileNotFoundError:
            return []
        return [name for name in found if not name.startswith(".")]
