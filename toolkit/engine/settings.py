"""Where the engine keeps what it keeps; given by whoever makes an ``Engine``."""

from toolkit.core.record import record


@record
class Settings:
    """Three locations, the cgroup that all containers lie below, the default network and bridge.

    ``data_root`` survives a reboot, ``run_root`` does not. ``cgroup_parent`` is relative to the
    group that this process is in (cgroup v1) or to the mount (v2). ``network`` is what a container
    joins whose command line names none. ``bridge`` is the link of the network ``bridge``,
    ``bridge_address`` its address and subnet, ``bridge_ipv6`` the same of IPv6 or empty.
    """

    data_root: str = "/var/lib/dockyard"
    run_root: str = "/run/dockyard"
    cgroup_parent: str = "dockyard"
    network: str = "bridge"
    bridge: str = "bridge0"
    bridge_address: str = "192.168.5.1/24"
    bridge_ipv6: str = ""
    bridge_mtu: int = 0
    bridge_icc: bool = True

    @property
    def database(self) -> str:
        """The SQLite file that holds names and ids."""
        return f"{self.data_root}/state.db"

    @property
    def names(self) -> str:
        """What the name servers of networks keep while they run."""
        return f"{self.run_root}/names"

    def container_dir(self, container: str) -> str:
        """What one container keeps until it is removed."""
        return f"{self.data_root}/containers/{container}"

    def volume_dir(self, name: str) -> str:
        """The directory of a volume that containers see."""
        return f"{self.data_root}/volumes/{name}/_data"

    def shm_dir(self, container: str) -> str:
        """The shared memory of a container that lets others share it."""
        return f"{self.run_root}/.shm/{container}"

    def state_dir(self, container: str) -> str:
        """What one container keeps while it exists in the kernel."""
        return f"{self.run_root}/{container}"
