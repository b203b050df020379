"""Networks and who is on them: names, addresses and ports in ``state.db``, wires by ``net``.

An address is taken in one transaction before anything is made, and given back after the rules that
name it are gone. A wire ends with the container's namespace, and the next command takes what it
left: whatever a killed command forgets is found by looking (``tidy``).
"""

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import record
from toolkit.engine import allotting, owner, ports
from toolkit.engine.choices import choices
from toolkit.engine.endpoints import Attachment, EndpointTable
from toolkit.engine.naming import Naming
from toolkit.engine.netstore import DEFAULT, NetworkTable
from toolkit.net import rules
from toolkit.net.holding import Held
from toolkit.net.servers import Servers
from toolkit.net.wires import Wires, present
from toolkit.net.wiring import FORWARDING6, Bridge, Closed, Endpoint, Plug, forwards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolkit.engine.config import Attach, ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.lazynet import Look
    from toolkit.engine.naming import MakeServers
    from toolkit.engine.settings import Settings
    from toolkit.net.wires import Ruleset, Wire

    MakeWires = Callable[[str, Ruleset], Wires]

_NOTES = ("forwarding", "forwarding6")
_BOOT = "/proc/sys/kernel/random/boot_id"


@record
class Joined:
    """A container's places, the first first, and the ports that are held for it so far."""

    container: str
    attachments: tuple[Attachment, ...]
    held: Held

    @property
    def first(self) -> Attachment:
        """Its place on its first network."""
        return self.attachments[0]


class Networks:
    """The networks of one engine; ``make_wires`` makes what lays the wires, ``make_servers`` what
    knows names.
    """

    def __init__(
        self,
        settings: "Settings",
        database: "Database",
        *,
        make_wires: "MakeWires" = Wires,
        make_servers: "MakeServers" = Servers,
    ) -> None:
        self.table = NetworkTable(settings, database)
        self.endpoints = EndpointTable(database, self.table)
        self.naming = Naming(settings, database, self.endpoints, make_servers=make_servers)
        self._db = database
        self.wires = make_wires(f"{settings.run_root}/network.lock", self._ruleset)

    def close(self) -> None:
        """Let the helper go."""
        self.wires.close()

    # joining and leaving

    def join(
        self, container: str, config: "ContainerConfig", exposed: "Iterable[str]" = ()
    ) -> Joined:
        """Take addresses and ports; ``exposed`` are those that its image and it itself name."""
        asked = ports.published(config.ports, exposed if config.publish_all else ())
        held = Held()
        try:
            with self._db.transaction():
                for place, choice in enumerate(choices(config)):
                    self._attach(container, choice, place=place)
                if asked and not self.endpoints.outward(container):
                    raise InvalidInputError(
                        "ports are published on no network that leads outside",
                        hint="leave --publish out, or join a network that is not internal",
                    )
                ports.take(self._db, container, asked, held)
                attachments = self.endpoints.of(container)
        except BaseException:
            held.close()
            raise
        return Joined(container=container, attachments=tuple(attachments), held=held)

    def _attach(self, container: str, choice: "Attach", *, place: int) -> Attachment:
        network = self.table.find(choice.network)
        if network.name == DEFAULT:
            network = self.table.keep_default(network)
        address, address6 = allotting.take(self._db, self.table, network, choice)
        endpoint = Endpoint(
            bridge=network.bridge.link,
            link=allotting.link_name(container, network.name, first=place == 0),
            mac=allotting.mac(choice.mac_address, address),
            address=address,
            address6=address6,
            worn=allotting.worn(self._db, network.name, address),
        )
        attachment = Attachment(network=network, endpoint=endpoint, aliases=choice.aliases)
        self.endpoints.insert(container, attachment, place=place)
        return attachment

    def begin(self, attachments: "Iterable[Attachment]", *, first: int | None = 0) -> "Wire":
        """Ask for bridges and rules; the wire is to be connected, or abandoned.

        The links inside are named ``ethN`` from ``first`` on; None: as is free.
        """
        plugs = tuple(
            Plug(
                bridge=one.network.bridge,
                endpoint=one.endpoint,
                name="" if first is None else f"eth{first + number}",
            )
            for number, one in enumerate(attachments)
        )
        self._note_forwarding([plug.bridge for plug in plugs if not plug.bridge.internal])
        bridges, closed = self._skeleton()
        return self.wires.begin(plugs, rules.state(bridges, closed=closed))

    def joined(self, container: str) -> None:
        """Note that its wires are there: from now on they count for as long as they are."""
        self.endpoints.joined(container)

    def keep(self, joined: Joined, pid: int) -> None:
        """Have its ports held until process ``pid`` ends."""
        outward = self.endpoints.outward(joined.container)
        for one in joined.attachments:
            if one.network.name == outward:
                self._keep(joined.container, joined.held, pid, one.endpoint)

    def _keep(self, container: str, held: Held, pid: int, endpoint: Endpoint) -> None:
        keeper = held.keep(pid, (endpoint.address, endpoint.address6))
        if keeper:
            self._db.query(
                "INSERT OR REPLACE INTO keepers (container, owner) VALUES (?, ?)",
                container,
                owner.of(keeper),
            )

    def hold(self, container: str) -> Joined:
        """Hold the ports again of a container that has them and returns to its stack."""
        self._end_keeper(container)
        attachments = tuple(self.of(container))
        held = Held()
        try:
            ports.hold_again((port for one in attachments for port in one.endpoint.ports), held)
        except BaseException:
            held.close()
            raise
        return Joined(container=container, attachments=attachments, held=held)

    def leave(self, container: str) -> None:
        """Give back what a container has: rules, wires, then addresses and ports."""
        held = self.endpoints.select("WHERE container=?", container)
        if held:
            self._leave(held)
        else:
            self._end_keeper(container)  # another command may have taken all but this

    def attach(self, container: str, choice: "Attach", pid: int) -> Attachment:
        """Lead one more wire into a container that runs."""
        before = self.endpoints.outward(container)
        with self._db.transaction():
            places = self._db.query("SELECT max(place) FROM endpoints WHERE container=?", container)
            if any(one.network.name == choice.network for one in self.of(container)):
                raise ConflictError(f"the container is on network '{choice.network}' already")
            place = 0 if places[0][0] is None else places[0][0] + 1
            network = self._attach(container, choice, place=place).network.name
        try:
            (made,) = [one for one in self.of(container) if one.network.name == network]
            wire = self.begin((made,), first=None)
            wire.connect(f"/proc/{pid}/ns/net")
        except BaseException:
            self._leave([(container, made)], all_of_it=False)
            raise
        self.endpoints.joined(container)
        self.naming.changed((made.network.name,), but=container)
        if not before and made.endpoint.ports:
            self._keep_again(container, pid)
        return made

    def detach(self, container: str, network: str, pid: int) -> None:
        """Take a container off a network; ``pid`` is 0 for one that does not run."""
        found = [one for one in self.of(container) if one.network.name == network]
        if not found:
            raise NotFoundError(f"the container is not on network '{network}'")
        self._leave([(container, found[0])], all_of_it=False)
        rest = [one for one in self.of(container) if not one.network.bridge.internal]
        if not rest or not pid:
            return
        if found[0].endpoint.ports:
            self.wires.admit(rest[0].endpoint)
            self._keep_again(container, pid)
        self.wires.route(f"/proc/{pid}/ns/net", rest[0].endpoint, rest[0].network.bridge)

    def tidy(self, look: "Look") -> None:
        """Take what containers left that ended while nobody looked.

        One without an owner was joined: it is over when its wire is. One whose owner was killed
        before that either runs, or is held for ever and ended now.
        """
        there = present()
        gone: list[str] = []
        for container, network, link, who in self._db.query(
            "SELECT container, network, link, owner FROM endpoints"
        ):
            if container in gone or owner.alive(who) or (not who and link in there):
                continue
            state = look.state(container)
            if state is not None and state.status in ("creating", "created"):
                look.clean(container)
                state = None
            if state is None:
                gone.append(container)
            elif who and link in there:
                self.joined(container)
            elif who:  # it was being connected, and is not
                self.detach(container, network, state.pid)
        found = [(name, one) for name in gone for one in self.of(name)]
        if found:
            self._leave(found)
        self._tidy_keepers(look)
        self.naming.revive()

    def _tidy_keepers(self, look: "Look") -> None:
        """Hold the ports again of containers whose keeper was killed, and forget the others."""
        for container, who in self._db.query("SELECT container, owner FROM keepers"):
            if owner.alive(who):
                continue
            state = look.state(container)
            if state is None or not state.pid:
                self._end_keeper(container)
            else:
                try:
                    self._keep_again(container, state.pid)
                except ConflictError:
                    continue  # somebody was faster; the rules lead inward all the same

    def _keep_again(self, container: str, pid: int) -> None:
        joined = self.hold(container)
        try:
            self.keep(joined, pid)
        finally:
            joined.held.close()

    def of(self, container: str) -> list[Attachment]:
        """Where a container is attached now, the first first."""
        return self.endpoints.of(container)

    def members(self, network: str) -> list[tuple[str, Attachment]]:
        """The containers on a network, by id."""
        return self.endpoints.members(network)

    def reload(self) -> None:
        """Write all rules anew, as after somebody flushed them."""
        self.wires.reload()

    def _leave(self, gone: "list[tuple[str, Attachment]]", *, all_of_it: bool = True) -> None:
        """Take containers off networks; with ``all_of_it`` their ports are free again as well."""
        self.wires.leave(one.endpoint for _, one in gone)
        if all_of_it:
            for container in {container for container, _ in gone}:
                self._end_keeper(container)
        with self._db.transaction():
            for container, one in gone:
                # Another command may have been faster: only who removes the row gives back.
                if self.endpoints.delete(container, one.network.name):
                    allotting.give(self._db, self.table, one)
                if all_of_it:
                    self._db.query("DELETE FROM ports WHERE container=?", container)
        self.naming.changed({one.network.name for _, one in gone}, strict=False)

    def _end_keeper(self, container: str) -> None:
        """End who holds its ports, and wait until they are free."""
        for (who,) in self._db.query(
            "DELETE FROM keepers WHERE container=? RETURNING owner", container
        ):
            owner.end(who)

    # what the rules are made from

    def _skeleton(self) -> tuple[list[Bridge], Closed]:
        noted = dict(self._db.query("SELECT key, value FROM notes"))
        links = []
        for key in _NOTES:
            boot, _, names = noted.get(key, "").partition(" ")
            links.append(tuple(names.split()) if boot == _boot() else ())
        closed = Closed(ipv4=links[0], ipv6=links[1])
        return [one.bridge for one in self.table.all()], closed

    def _ruleset(self) -> tuple[list[Bridge], str]:
        bridges, closed = self._skeleton()
        endpoints = [one.endpoint for _, one in self.endpoints.select()]
        return bridges, rules.whole(bridges, endpoints, closed=closed)

    def _note_forwarding(self, outward: list[Bridge]) -> None:
        """This host is about to be made to forward: not between the links that it has now."""
        for key, wanted in zip(_NOTES, (outward, [b for b in outward if b.address6]), strict=True):
            if not wanted or forwards(*((FORWARDING6,) if key == _NOTES[1] else ())):
                continue
            ours = {one.bridge.link for one in self.table.all()}
            links = sorted(one for one in present() - ours if not one.startswith(("lo", "veth")))
            self._db.query(
                "INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)",
                key,
                " ".join((_boot(), *links)),
            )


def _boot() -> str:
    with open(_BOOT, encoding="ascii") as file:
        return file.read().strip()
