"""Rates of block devices; v1 calls the controller ``blkio``."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "blkio"
V2_NAME = "io"
_HINT = "the kernel needs CONFIG_BLK_DEV_THROTTLING"
_V1_FILES = {
    "rbps": "blkio.throttle.read_bps_device",
    "wbps": "blkio.throttle.write_bps_device",
    "riops": "blkio.throttle.read_iops_device",
    "wiops": "blkio.throttle.write_iops_device",
}


def v1(limits: Limits) -> tuple[Write, ...]:
    """One file a kind of rate, one line a device."""
    return tuple(
        Write(
            file=_V1_FILES[rate.kind],
            value=f"{rate.major}:{rate.minor} {rate.rate}",
            limit=f"io {rate.kind}",
            missing=_HINT,
        )
        for rate in limits.io_rates
    )


def v2(limits: Limits) -> tuple[Write, ...]:
    """One file; a rate of 0 means none in v1's terms."""
    return tuple(
        Write(
            file="io.max",
            value=f"{rate.major}:{rate.minor} {rate.kind}={rate.rate or 'max'}",
            limit=f"io {rate.kind}",
            missing=_HINT,
        )
        for rate in limits.io_rates
    )
