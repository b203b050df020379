"""``--since`` and ``--until``: moments as people write them."""

import re
import time
from datetime import UTC, datetime

from toolkit.core.errors import InvalidInputError

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NANO = 10**9


def parse_duration(text: str, *, what: str) -> float:
    """Seconds of a span as Go writes it: ``1h30m``, ``500ms``, ``0``."""
    parts = _SPAN.findall(text)
    if text == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidInputError(
            f"{what}: '{text}' is no span of time", hint="write a number and a unit, as in 1m30s"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_moment(text: str, *, what: str) -> float:
    """Seconds since 1970: of such a number, of an RFC 3339 time, or of a span before now."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        try:
            return time.time() - parse_duration(text, what=what)
        except InvalidInputError:
            raise InvalidInputError(
                f"{what}: '{text}' is no moment",
                hint="write 2024-05-06T07:08:09Z, 10m (before now) or seconds since 1970",
            ) from None
    return (moment if moment.tzinfo else moment.astimezone()).timestamp()


def stamp_of(moment: float) -> str:
    """RFC 3339 with nanoseconds in UTC, as logs have it; such texts can be compared."""
    whole, nano = divmod(int(moment * _NANO), _NANO)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{nano:09d}Z"
