"""Clears away the containers that do not run."""

import time

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.engine.filters import check_filters, matches_labels
from toolkit.engine.sizes import written_size
from toolkit.engine.times import parse_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.filters import Filters
    from toolkit.engine.model import View

PRUNE_KEYS = ("label", "label!", "until")
_LASTING = ("running", "paused", "restarting")


def prune(engine: "Engine", filters: "Filters | None" = None) -> tuple[list[str], int]:
    """Remove all that do not run and meet the filters; their ids, and the bytes freed."""
    wanted = filters or {}
    check_filters(wanted, PRUNE_KEYS)
    before = min(
        (parse_moment(text, what="until") for text in wanted.get("until", ())),
        default=time.time() + 1,
    )
    gone, freed = [], 0
    for view in engine.list(all=True):
        if view.status in _LASTING or view.created >= before or not _meets(view, wanted):
            continue
        size = written_size(engine.settings, view.id)
        try:
            engine.remove(view.id)
        except (ConflictError, NotFoundError):
            continue  # somebody started it, or was faster
        gone.append(view.id)
        freed += size
    return gone, freed


def _meets(view: "View", wanted: "Filters") -> bool:
    labels = dict(text.partition("=")[::2] for text in view.labels)
    if not matches_labels(labels, wanted.get("label", ())):
        return False
    return not any(matches_labels(labels, [text]) for text in wanted.get("label!", ()))
