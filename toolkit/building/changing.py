"""``--change``: the Dockerfile instructions that alter only an image's configuration.

What ``commit`` and ``import`` take, read as a Dockerfile's lines are.
"""

from toolkit.building.draft import Draft
from toolkit.building.parsing import INSTRUCTIONS, Instruction, parse_trigger
from toolkit.building.words import WordError, expand, split_words
from toolkit.core.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_OTHERS = ("ADD", "ARG", "COPY", "FROM", "HEALTHCHECK", "MAINTAINER", "RUN", "SHELL")
CHANGES = tuple(name for name in INSTRUCTIONS if name not in _OTHERS)
"""CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR: those of Docker."""
_PLAIN = ("CMD", "ENTRYPOINT", "ONBUILD")  # no variables


def changed(changes: "Iterable[str]") -> "dict[str, Any]":
    """The configuration that instructions make of nothing."""
    draft = Draft.empty()
    apply_changes(draft, changes)
    return draft.config


def apply_changes(draft: Draft, changes: "Iterable[str]") -> None:
    """Alter ``draft`` as instructions say; ``InvalidInputError`` for one that cannot be given."""
    for text in changes:
        step = parse_trigger(text, file="--change")
        if step.name not in CHANGES:
            raise InvalidInputError(
                f"--change: {step.name} is no change of an image's configuration",
                hint=f"one of: {' '.join(CHANGES)}",
            )
        try:
            draft.apply(step, _words(step, draft))
        except WordError as error:
            raise InvalidInputError(f"--change: {step.name}: {error}") from None


def _words(step: Instruction, draft: Draft) -> tuple[str, ...]:
    if step.name in _PLAIN:
        return step.words
    words = step.words
    if step.pairs:
        words = tuple(part for name, value in step.pairs for part in (name, value or ""))
    found = tuple(expand(word, draft.environment) for word in words)
    if step.name == "EXPOSE":
        return tuple(part for word in found for part in split_words(word))
    return found
