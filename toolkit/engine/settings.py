"""Where the engine keeps what it keeps; given by whoever makes an ``Engine``."""

from toolkit.core.record import record


@record
class Settings:
    """Three locations, the cgroup that all containers lie below, and the default bridge.

    ``data_root`` survives a reboot, ``run_root`` does not. ``cgroup_parent`` is relative to the
    group that this process is in (cgroup v1) or to the mount (v2). ``bridge`` is the link of the
    network ``bridge``, ``bridge_address`` its address and subnet.
    """

    data_root: str = "/var/lib/dockyard"
    run_root: str = "/run/dockyard"
    cgroup_parent: str = "dockyard"
    bridge: str = "bridge0"
    bridge_address: str = "192.168.5.1/24"

    @property
    def database(self) -> str:
        """The SQLite file that holds names and ids."""
        return f"{self.data_root}/state.db"

    def container_dir(self, container: str) -> str:
        """What one container keeps until it is removed."""
        return f"{self.data_root}/containers/{container}"

    def state_dir(self, container: str) -> str:
        """What one container keeps while it exists in the kernel."""
        return f"{self.run_root}/{container}"
