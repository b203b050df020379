"""Times as Docker writes them."""

from datetime import UTC, datetime


def stamp(moment: float) -> str:
    """RFC 3339 in UTC; Docker's zero time for never."""
    if not moment:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def local_stamp(moment: float) -> str:
    """Local time as ``ps`` shows it: ``2024-05-06 07:08:09 +0200 CEST``."""
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z %Z")
