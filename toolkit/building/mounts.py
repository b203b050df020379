"""``RUN --mount``: what one asks for, as data.

Source: Docker's Dockerfile reference, "RUN --mount".
"""

from toolkit.building.faults import Place
from toolkit.core.errors import UnsupportedError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = {
    "bind": ("target", "source", "from", "readwrite"),
    "cache": ("target", "source", "from", "readwrite", "id", "sharing", "mode", "uid", "gid"),
    "tmpfs": ("target", "size"),
    "secret": ("target", "id", "required", "mode", "uid", "gid", "env"),
}
_SPELLED = {
    "dst": "target",
    "destination": "target",
    "src": "source",
    "rw": "readwrite",
    "readonly": "ro",
}
_TRUTH = {"": True, "true": True, "1": True, "false": False, "0": False}
_SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SECRETS = "/run/secrets"


@record
class MountRequest:
    """One mount; an empty or None value is that kind's own default."""

    kind: str
    target: str
    source: str = ""
    source_stage: str = ""
    writable: bool = False
    id: str = ""
    sharing: str = "shared"
    required: bool = False
    env: str = ""
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    size: int = 0


def parse_mount(text: str, place: Place) -> MountRequest:
    """``type=…,target=…``; the error names the place."""
    pairs = _pairs(text, place)
    kind = pairs.pop("type", "bind")
    if kind == "ssh":
        raise UnsupportedError(
            f"{place}: a mount of type ssh is not supported", hint="hand a key in as a secret"
        )
    if kind not in _KEYS:
        raise place.fault(
            f"'{kind}' is no type of mount", hint=did_you_mean(kind, _KEYS) or "see --mount"
        )
    readonly = pairs.pop("ro", None)
    for key in pairs:
        if key not in _KEYS[kind]:
            raise place.fault(f"a {kind} mount has no '{key}'", hint=did_you_mean(key, _KEYS[kind]))
    number = _reader(pairs, place)
    writable = _truth(pairs, "readwrite", place, default=kind == "cache")
    if readonly is not None:
        writable = not _truth({"ro": readonly}, "ro", place, default=True)
    sharing = pairs.get("sharing", "shared")
    if sharing not in ("shared", "private", "locked"):
        raise place.fault(f"sharing is shared, private or locked, not '{sharing}'")
    mode = pairs.get("mode")
    return MountRequest(
        kind=kind,
        target=_target(kind, pairs, place),
        source=pairs.get("source", ""),
        source_stage=pairs.get("from", ""),
        writable=writable,
        id=pairs.get("id", ""),
        sharing=sharing,
        required=_truth(pairs, "required", place, default=False),
        env=pairs.get("env", ""),
        mode=None if mode is None else number("mode", 8),
        uid=number("uid", 10),
        gid=number("gid", 10),
        size=_size(pairs.get("size", "0"), place),
    )


def _pairs(text: str, place: Place) -> "dict[str, str]":
    found: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        name = _SPELLED.get(key.strip().lower(), key.strip().lower())
        if not name:
            raise place.fault(f"'{text}' is no mount", hint="as in type=cache,target=/root/.cache")
        found[name] = value
    return found


def _target(kind: str, pairs: "dict[str, str]", place: Place) -> str:
    target = pairs.get("target", "")
    if kind == "secret" and not target:
        name = pairs.get("id", "")
        if not name:
            raise place.fault("a secret needs an id or a target")
        return "" if pairs.get("env") else f"{_SECRETS}/{name}"
    if not target:
        raise place.fault(f"a {kind} mount needs a target", hint="as in target=/data")
    return target


def _reader(pairs: "dict[str, str]", place: Place) -> "Callable[[str, int], int]":
    def number(key: str, base: int) -> int:
        text = pairs.get(key, "0")
        try:
            return int(text, base)
        except ValueError:
            raise place.fault(f"{key} is a number, not '{text}'") from None

    return number


def _truth(pairs: "dict[str, str]", key: str, place: Place, *, default: bool) -> bool:
    if key not in pairs:
        return default
    value = pairs[key].lower()
    if value not in _TRUTH:
        raise place.fault(f"{key} is true or false, not '{pairs[key]}'")
    return _TRUTH[value]


def _size(text: str, place: Place) -> int:
    number, unit = text.rstrip("bB"), 1
    if number and number[-1].lower() in _SIZES:
        number, unit = number[:-1], _SIZES[number[-1].lower()]
    if not number.isdigit():
        raise place.fault(f"size is bytes, or a number with k, m or g, not '{text}'")
    return int(number) * unit
