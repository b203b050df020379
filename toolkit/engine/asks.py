"""Docker's spelling of what only some containers ask for: devices, limits, health, security."""

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.engine.config import DeviceAsk, DeviceRate, Ulimit
from toolkit.engine.values import parse_size
from toolkit.oci.image import Healthcheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NANO = 10**9
_LEAST = 1_000_000  # ns: Docker takes no check more often than each millisecond
_BLKIO_LEAST, _BLKIO_MOST = 10, 1000


def parse_device(text: str) -> DeviceAsk:
    """``/host[:/container][:rwm]``."""
    parts = text.split(":")
    source, target, access = parts[0], parts[0], "rwm"
    rest = parts[1:]
    if rest and rest[-1] and set(rest[-1]) <= set("rwm"):
        access = rest.pop()
    if rest:
        target = rest.pop(0)
    if rest or not source.startswith("/") or not target.startswith("/"):
        raise InvalidInputError(
            f"device: '{text}' is not HOST[:CONTAINER][:rwm]", hint="as in /dev/fuse:/dev/fuse:rw"
        )
    return DeviceAsk(source=source, target=target, access=access)


def parse_ulimit(text: str) -> Ulimit:
    """``nofile=1024:2048``; one number is both, -1 is no limit."""
    name, equals, values = text.partition("=")
    numbers = values.split(":")
    try:
        soft, hard = int(numbers[0]), int(numbers[-1])
    except ValueError:
        equals = ""
        soft = hard = 0
    if not equals or len(numbers) > 2:
        raise InvalidInputError(
            f"ulimit: '{text}' is not NAME=SOFT[:HARD]", hint="as in nofile=1024:2048"
        )
    return Ulimit(name=name.lower(), soft=soft, hard=hard)


def parse_rate(text: str, kind: str) -> DeviceRate:
    """``/dev/sda:1mb``: bytes (``rbps``, ``wbps``) or calls (``riops``, ``wiops``) a second."""
    path, colon, amount = text.rpartition(":")
    what = f"device rate '{text}'"
    if not colon or not path.startswith("/"):
        raise InvalidInputError(f"{what} is not DEVICE:RATE", hint="as in /dev/sda:1mb")
    rate = parse_size(amount, what=what) if kind.endswith("bps") else _whole(amount, what)
    if not rate:
        raise InvalidInputError(f"{what}: the rate is nothing")
    return DeviceRate(kind=kind, path=path, rate=rate)


def _whole(text: str, what: str) -> int:
    if not text.isdigit():
        raise InvalidInputError(f"{what}: '{text}' is no whole number")
    return int(text)


def parse_weight(number: int) -> int:
    """``--blkio-weight``: 10 to 1000, 0 for none."""
    if number and not _BLKIO_LEAST <= number <= _BLKIO_MOST:
        raise InvalidInputError(f"blkio-weight: {number} is not between 10 and 1000")
    return number


def parse_pair(text: str, *, what: str) -> str:
    """``K=V`` with a name, as it is."""
    name, equals, _ = text.partition("=")
    if not name or not equals:
        raise InvalidInputError(f"{what}: '{text}' is not NAME=VALUE")
    return text


def parse_health(values: "dict[str, str]", *, off: bool) -> tuple[Healthcheck, ...]:
    """``--health-*`` by their names without ``health-``; ``off`` is ``--no-healthcheck``."""
    if off:
        if values:
            raise InvalidInputError("--no-healthcheck conflicts with --health-* options")
        return (Healthcheck(test=("NONE",)),)
    if not values:
        return ()
    retries = values.get("retries", "0")
    command = values.get("cmd", "")
    return (
        Healthcheck(
            test=("CMD-SHELL", command) if command else (),
            interval=_span(values, "interval"),
            timeout=_span(values, "timeout"),
            start_period=_span(values, "start-period"),
            start_interval=_span(values, "start-interval"),
            retries=_whole(retries, "health-retries"),
        ),
    )


def _span(values: "dict[str, str]", key: str) -> int:
    from toolkit.engine.times import parse_duration  # noqa: PLC0415 - it imports datetime

    text = values.get(key, "0")
    found = int(parse_duration(text, what=f"health-{key}") * _NANO)
    if found and found < _LEAST:
        raise InvalidInputError(f"health-{key}: '{text}' is less than a millisecond")
    return found


@record
class Security:
    """What ``--security-opt`` says, all of it."""

    no_new_privileges: bool = False
    seccomp: str = ""
    apparmor: str = ""
    unmasked: bool = False


def parse_security(options: "Sequence[str]", *, read: "Callable[[str], str]") -> Security:
    """Both ``=`` and ``:`` may stand between name and value; ``read`` gets a profile's text."""
    found: dict[str, bool | str] = {}
    for option in options:
        name, _, value = option.partition("=") if "=" in option else option.partition(":")
        if name == "no-new-privileges" and value in ("", "true", "false"):
            found["no_new_privileges"] = value != "false"
        elif name == "seccomp" and value:
            found["seccomp"] = _profile(value, read)
        elif name == "apparmor" and value:
            found["apparmor"] = value
        elif (name, value) == ("systempaths", "unconfined"):
            found["unmasked"] = True
        elif name == "label":
            _check_label(option, value)
        else:
            raise InvalidInputError(
                f"security-opt: '{option}' is not known",
                hint="known are no-new-privileges, seccomp=unconfined|builtin|FILE, apparmor=NAME,"
                " systempaths=unconfined and label=disable",
            )
    return Security(**found)  # type: ignore[arg-type] # each by its own name above


def _profile(value: str, read: "Callable[[str], str]") -> str:
    if value == "builtin":
        return ""
    return value if value == "unconfined" else read(value)


def _check_label(option: str, value: str) -> None:
    if value != "disable":
        raise UnsupportedError(
            f"security-opt: '{option}': SELinux labels are not set",
            hint="leave it out, or use label=disable",
        )
