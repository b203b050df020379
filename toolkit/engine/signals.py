"""Signals by Docker's names: ``TERM``, ``SIGTERM``, ``15``, ``RTMIN+3``."""

import signal

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import nearest


def parse_signal(text: str) -> int:
    """The number of a signal; any case, with or without ``SIG``."""
    if text.isdigit():
        if 1 <= int(text) <= signal.SIGRTMAX:
            return int(text)
        raise InvalidInputError(f"'{text}' is no signal: they are 1 to {int(signal.SIGRTMAX)}")
    name = text.upper().removeprefix("SIG")
    base, sign, offset = name.partition("+") if "+" in name else name.partition("-")
    if base in ("RTMIN", "RTMAX") and sign and offset.isdigit():
        start = int(signal.SIGRTMIN if base == "RTMIN" else signal.SIGRTMAX)
        number = start + int(offset) * (1 if sign == "+" else -1)
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    known = {item.name.removeprefix("SIG"): int(item) for item in signal.Signals}
    if name in known:
        return known[name]
    near = nearest(name, known)
    raise InvalidInputError(
        f"unknown signal '{text}'", hint=f"did you mean '{near}'?" if near else ""
    )
