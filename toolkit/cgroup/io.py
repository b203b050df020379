"""Rates and weights of block devices; v1 calls the controller ``blkio``."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cgroup.limits import IoWeight

NAME = "blkio"
V2_NAME = "io"
_HINT = "the kernel needs CONFIG_BLK_DEV_THROTTLING"
_WEIGHT_HINT = "the kernel needs a scheduler that weighs: bfq, or io.cost on cgroup v2"
_LEAF_HINT = "kernels since 5.0 have no weight of a group's own processes: leave it out"
_V1_FILES = {
    "rbps": "blkio.throttle.read_bps_device",
    "wbps": "blkio.throttle.write_bps_device",
    "riops": "blkio.throttle.read_iops_device",
    "wiops": "blkio.throttle.write_iops_device",
}
_LEAST, _MOST = 10, 1000


def v1(limits: Limits) -> tuple[Write, ...]:
    """One file a kind of rate, one line a device."""
    rates = tuple(
        Write(
            file=_V1_FILES[rate.kind],
            value=f"{rate.major}:{rate.minor} {rate.rate}",
            limit=f"io {rate.kind}",
            missing=_HINT,
        )
        for rate in limits.io_rates
    )
    return (*rates, *_weights_v1(limits)) if limits.io_weights else rates


def v2(limits: Limits) -> tuple[Write, ...]:
    """One file; a rate of 0 means none in v1's terms."""
    rates = tuple(
        Write(
            file="io.max",
            value=f"{rate.major}:{rate.minor} {rate.kind}={rate.rate or 'max'}",
            limit=f"io {rate.kind}",
            missing=_HINT,
        )
        for rate in limits.io_rates
    )
    return (*rates, *_weights_v2(limits)) if limits.io_weights else rates


def _weights_v1(limits: Limits) -> list[Write]:
    """The file of bfq where the older one is not there."""
    steps = []
    for entry in limits.io_weights:
        device, ending = _device(entry)
        if entry.weight is not None:
            value = f"{device}{entry.weight}"
            name = f"weight{ending}"
            steps.append(_weight(f"blkio.{name}", value, _weight(f"blkio.bfq.{name}", value)))
        if entry.leaf_weight is not None:
            value = f"{device}{entry.leaf_weight}"
            steps.append(_leaf(f"blkio.leaf_weight{ending}", value))
    return steps


def _weights_v2(limits: Limits) -> list[Write]:
    """bfq takes the same numbers, io.cost 1 to 10000."""
    steps = []
    for entry in limits.io_weights:
        device, _ = _device(entry)
        if entry.weight is not None:
            other = _weight("io.weight", f"{device}{cost(entry.weight)}")
            steps.append(_weight("io.bfq.weight", f"{device}{entry.weight}", other))
        if entry.leaf_weight is not None:
            steps.append(_leaf("io.leaf_weight", f"{device}{entry.leaf_weight}"))
    return steps


def cost(weight: int) -> int:
    """io.cost's weight (1 to 10000) for one of 10 to 1000, a line between the two ends."""
    weight = min(max(weight, _LEAST), _MOST)
    return 1 + (weight - _LEAST) * 9999 // (_MOST - _LEAST)


def _device(entry: "IoWeight") -> tuple[str, str]:
    """What stands before the value, and the ending of v1's file."""
    if entry.major is None:
        return "", ""
    return f"{entry.major}:{entry.minor} ", "_device"


def _weight(file: str, value: str, instead: Write | None = None) -> Write:
    return Write(file=file, value=value, limit="io weight", missing=_WEIGHT_HINT, instead=instead)


def _leaf(file: str, value: str) -> Write:
    return Write(file=file, value=value, limit="io leaf weight", missing=_LEAF_HINT)
