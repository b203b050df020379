"""What a host asks of the controller in the middle of a play; each question is one trip."""

from collections.abc import Mapping
from typing import Any, Protocol

from toolkit.core.errors import UnsupportedError


class Ask(Protocol):
    """Sends ``{"do": …}`` to the controller and waits for its answer; its errors are raised."""

    def __call__(self, what: Mapping[str, Any], body: bytes = b"") -> Any:
        """The answer; text that came beside it as bytes is under ``body``."""


def nobody(what: Mapping[str, Any], body: bytes = b"") -> Any:
    """The controller of a run that has none."""
    del body
    raise UnsupportedError(f"'{what.get('do')}' needs a controller, and there is none")
