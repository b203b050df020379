"""What libvirt holds for one folder of boxes: all of it bears the folder's prefix.

The names follow from the folder, so what a killed run left is found and removed by the next one.
"""

import hashlib
import os
import time

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.process import Completed
from toolkit.fleet.programs import USUAL, Programs, Wish

URI = "qemu:///system"
SNAPSHOT = "clean"
_ANY = Wish(ok=())


class Hypervisor:
    """The machines, the storage pool and the network of one folder."""

    def __init__(self, programs: Programs, folder: str) -> None:
        digest = hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()
        self.prefix = f"dockyard-{digest[:8]}-"
        self.pool = f"{self.prefix}pool"
        self.network = f"{self.prefix}net"
        self.address = f"10.213.{int(digest[8:10], 16)}.0/24"
        self._programs = programs

    def answers(self) -> bool:
        """Whether a libvirt answers us."""
        try:
            return self._virsh("list", wish=_ANY).status == 0
        except NotFoundError:
            return False

    def machines(self) -> tuple[str, ...]:
        """Our machines, running or not."""
        names = self._virsh("list", "--all", "--name").stdout.split()
        return tuple(name for name in names if name.startswith(self.prefix))

    def make_pool(self, folder: str) -> None:
        """Make an empty pool in ``folder`` and start it."""
        os.makedirs(folder, exist_ok=True)
        self._virsh("pool-define-as", self.pool, "dir", "--target", folder)
        self._virsh("pool-start", self.pool)

    def save(self, machine: str) -> None:
        """Keep a machine as it is now, running."""
        self._virsh("snapshot-create-as", machine, SNAPSHOT, wish=Wish(timeout=120))

    def is_saved(self, machine: str) -> bool:
        """Whether ``save`` was called for it."""
        done = self._virsh("snapshot-list", machine, "--name", wish=_ANY)
        return SNAPSHOT in done.stdout.split()

    def resume(self, machines: tuple[str, ...]) -> None:
        """Put saved machines back to the moment of ``save``, running."""
        for verb, name in (("pool-start", self.pool), ("net-start", self.network)):
            self._virsh(verb, name, wish=_ANY)  # it may have been started already
        for machine in machines:
            self._virsh("snapshot-revert", machine, SNAPSHOT, "--running", wish=Wish(timeout=120))

    def stop(self) -> None:
        """End machines, network and pool, which can be resumed later."""
        for machine in self.machines():
            self._virsh("destroy", machine, wish=_ANY)
        self._virsh("net-destroy", self.network, wish=_ANY)
        self._virsh("pool-destroy", self.pool, wish=_ANY)

    def remove(self) -> None:
        """Remove all that bears our prefix; nothing of it needs to exist.

        ``ConflictError`` where something cannot be removed.
        """
        for _ in range(5):  # a vagrant that was killed may have had a request under way
            self._remove_machines()
            self._virsh("pool-destroy", self.pool, wish=_ANY)
            self._virsh("pool-undefine", self.pool, wish=_ANY)
            self._virsh("net-destroy", self.network, wish=_ANY)
            self._virsh("net-undefine", self.network, wish=_ANY)
            if not (left := self.left()):
                return
            time.sleep(0.5)
        raise ConflictError(f"libvirt still has {', '.join(left)}", hint="see: virsh list --all")

    def _remove_machines(self) -> None:
        for machine in self.machines():
            self._virsh("destroy", machine, wish=_ANY)
            self._virsh("undefine", machine, "--snapshots-metadata", "--managed-save", wish=_ANY)

    def left(self) -> tuple[str, ...]:
        """The names of all that libvirt has of ours."""
        pools = self._virsh("pool-list", "--all", "--name").stdout.split()
        networks = self._virsh("net-list", "--all", "--name").stdout.split()
        mine = (name for name in (*pools, *networks) if name.startswith(self.prefix))
        return (*self.machines(), *mine)

    def _virsh(self, *words: str, wish: Wish = USUAL) -> Completed:
        return self._programs.run(("virsh", "-q", "-c", URI, *words), wish)
