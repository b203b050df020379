"""What a container under check is asked for: the options that every runtime has in some form."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxSpec:
    """Options of one container; the default asks for nothing, so it shows the runtime's defaults.

    ``memory`` in bytes, ``cpus`` in cores. ``work`` is what the probe does beyond looking, as
    ``("fork", 200)``: see ``probe.WORK``. Equal specs share one container.
    """

    memory: int = 0
    pids: int = 0
    cpus: float = 0
    cpuset: str = ""
    user: int = 0
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    hostname: str = ""
    no_new_privileges: bool = False
    read_only: bool = False
    work: tuple[tuple[str, Any], ...] = ()
    label: str = ""

    @property
    def title(self) -> str:
        """Only what differs from the default, for messages."""
        shown = []
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value and name not in ("work", "label"):
                shown.append(f"{name}={value}")
        return " ".join(shown) or "defaults"


# Containers that several checks share, because each one costs a start: asking for things that do
# not touch each other takes nothing from what a check can find.
ASKED = BoxSpec(user=1000, hostname="dockyard-box", no_new_privileges=True)
ADMIN = BoxSpec(
    cap_add=("NET_ADMIN", "SYS_ADMIN"),
    cap_drop=("KILL",),
    work=(("rename", "dockyard-new"),),
)
NOTHING = BoxSpec(cap_drop=("ALL",))
# The memory is used up in a child, so the probe itself goes on.
LIMITED = BoxSpec(
    memory=64 << 20,
    pids=64,
    cpus=0.5,
    cpuset="0",
    work=(("fork", 200), ("touch", 256), ("burn", 0.5)),
)
