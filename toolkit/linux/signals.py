"""The C half of ``signal``: the module makes an enum of its numbers, 5 ms that no start needs."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

__all__ = ["signal"]
