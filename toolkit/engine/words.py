"""Spans of time and states in Docker's words."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import View

_MINUTE, _HOUR = 60, 3600


def ago(seconds: float) -> str:
    """A span in Docker's words: ``Less than a second``, ``About a minute``, ``3 hours``."""
    whole = int(seconds)
    hours = int(seconds / _HOUR + 0.5)
    spans = (
        (whole < 1, "Less than a second"),
        (whole == 1, "1 second"),
        (whole < _MINUTE, f"{whole} seconds"),
        (whole < 2 * _MINUTE, "About a minute"),
        (whole < _HOUR, f"{whole // _MINUTE} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 14, f"{hours // 24} days"),
        (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 730, f"{hours // 24 // 30} months"),
    )
    return next((text for holds, text in spans if holds), f"{hours // 24 // 365} years")


def since(moment: float) -> str:
    """How long ago a time was."""
    return ago(max(0.0, time.time() - moment))


def status(view: "View") -> str:
    """In Docker's words: ``Up 3 hours``, ``Exited (0) 2 days ago``."""
    if view.status == "running":
        return f"Up {since(view.started)}{_health(view)}"
    if view.status == "paused":
        return f"Up {since(view.started)} (Paused)"
    if view.status in ("exited", "restarting"):
        ended = f"({view.exit_status}) {since(view.finished or view.started)} ago"
        return f"{view.status.capitalize()} {ended}"
    return "Created"


def _health(view: "View") -> str:
    shown = {"": "", "starting": " (health: starting)"}
    return shown.get(view.health, f" ({view.health})")
