"""Changes to links and addresses, as the kernel has them now; files make them last."""

from toolkit.core.errors import ConflictError
from toolkit.core.record import record, replace
from toolkit.tasks.changes import Change, Difference, change_kind
from toolkit.tasks.host import Host


def refuse_ports(host: Host, name: str) -> None:
    """``ConflictError`` for a bridge with ports: what is attached would lose its network."""
    ports = [link.name for link in host.net.links() if link.master == name]
    if ports:
        raise ConflictError(
            f"bridge '{name}' is in use by {', '.join(ports)}",
            hint="stop the containers that are attached to it",
        )


@change_kind("create_bridge")
@record
class CreateBridge(Change):
    """Make a bridge, down and without an address."""

    name: str

    def describe(self) -> str:
        """``create bridge bridge0``."""
        return f"create bridge {self.name}"

    def apply(self, host: Host) -> None:
        """Make it."""
        host.net.create_bridge(self.name)

    def inverse(self) -> Change:
        """Remove it."""
        return DeleteBridge(name=self.name)


@change_kind("delete_bridge")
@record
class DeleteBridge(Change):
    """Remove a bridge that is down and has no address, so that nothing is lost with it."""

    name: str

    def describe(self) -> str:
        """``delete bridge bridge0``."""
        return f"delete bridge {self.name}"

    def apply(self, host: Host) -> None:
        """Remove it, unless something has been attached to it since."""
        refuse_ports(host, self.name)
        host.net.delete_link(self.name)

    def inverse(self) -> Change:
        """Make it again."""
        return CreateBridge(name=self.name)


@change_kind("add_address")
@record
class AddAddress(Change):
    """Give a link an address in CIDR notation."""

    name: str
    address: str

    def describe(self) -> str:
        """``add 192.168.5.1/24 to bridge0``."""
        return f"add {self.address} to {self.name}"

    def apply(self, host: Host) -> None:
        """Add it."""
        host.net.add_address(self.name, self.address)

    def inverse(self) -> Change:
        """Take it away."""
        return RemoveAddress(name=self.name, address=self.address)


@change_kind("remove_address")
@record
class RemoveAddress(Change):
    """Take an address from a link."""

    name: str
    address: str

    def describe(self) -> str:
        """``remove 192.168.5.1/24 from bridge0``."""
        return f"remove {self.address} from {self.name}"

    def apply(self, host: Host) -> None:
        """Take it away, unless somebody is attached who may be using it."""
        refuse_ports(host, self.name)
        host.net.remove_address(self.name, self.address)

    def inverse(self) -> Change:
        """Give it again."""
        return AddAddress(name=self.name, address=self.address)


@change_kind("set_link_up")
@record
class SetLinkUp(Change):
    """Bring a link up, or take it down."""

    name: str
    up: bool = True

    def describe(self) -> str:
        """``set bridge0 up``."""
        return f"set {self.name} {'up' if self.up else 'down'}"

    def apply(self, host: Host) -> None:
        """Do it; a bridge with ports is not taken down."""
        if self.up:
            host.net.set_up(self.name)
        else:
            refuse_ports(host, self.name)
            host.net.set_down(self.name)

    def inverse(self) -> Change:
        """The other way."""
        return replace(self, up=not self.up)


@change_kind("set_mtu")
@record
class SetMtu(Change):
    """Set a link's largest packet, in bytes."""

    name: str
    new: int
    old: int

    def describe(self) -> str:
        """``set mtu of bridge0 from 1500 to 1400``."""
        return f"set mtu of {self.name} from {self.old} to {self.new}"

    def apply(self, host: Host) -> None:
        """Set it."""
        host.net.set_mtu(self.name, self.new)

    def inverse(self) -> Change:
        """Set the old one."""
        return replace(self, new=self.old, old=self.new)

    def difference(self) -> Difference:
        """Both values."""
        return Difference(before=f"mtu: {self.old}\n", after=f"mtu: {self.new}\n")


@change_kind("set_stp")
@record
class SetStp(Change):
    """Turn a bridge's spanning tree protocol on or off."""

    name: str
    on: bool

    def describe(self) -> str:
        """``turn stp of bridge0 off``."""
        return f"turn stp of {self.name} {'on' if self.on else 'off'}"

    def apply(self, host: Host) -> None:
        """Do it."""
        host.net.set_stp(self.name, on=self.on)

    def inverse(self) -> Change:
        """The other way."""
        return replace(self, on=not self.on)
