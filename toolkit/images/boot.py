"""Which start of the machine this is: what was written before the last one may be torn."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """A text that is new each time the machine starts."""
    with open(_BOOT_ID) as file:
        return file.read().strip()
