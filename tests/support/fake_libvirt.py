"""libvirt, vagrant and ssh as they look from outside, without a machine: a ``Programs``."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from toolkit.core.errors import CommandError
from toolkit.core.process import Completed
from toolkit.fleet.programs import USUAL, Wish

SSH_CONFIG = """\
Host {name}
  HostName 10.0.0.{number}
  User vagrant
  Port 22
  IdentityFile /keys/one
  IdentityFile /keys/two
  LogLevel FATAL

"""


@dataclass
class FakeLibvirt:
    """Remembers what exists; ``broken`` maps some words of a call to what it then says.

    ``hiccups`` are words of calls that break once.
    """

    machines: dict[str, str] = field(default_factory=dict)  # name → running or off
    snapshots: set[str] = field(default_factory=set)
    pools: dict[str, bool] = field(default_factory=dict)
    networks: dict[str, bool] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    hiccups: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return bool(name)

    def run(self, argv: tuple[str, ...], wish: Wish = USUAL) -> Completed:
        line = " ".join(argv)
        self.calls.append(line)
        told = next((said for call, said in self.broken.items() if call in line), None)
        for words in [words for words in self.hiccups if words in line]:
            self.hiccups.remove(words)
            told = "connection reset by peer"
        if told is not None:
            return self._ended(argv, 1, told, wish)
        status, out = 0, ""
        if "--" in argv:
            argv = argv[argv.index("--") + 1 :]
        if argv[0] == "virsh":
            status, out = self._virsh(*argv[4:])
        elif "up" in argv:
            self._up(wish)
        elif argv[0] == "vagrant":
            out = self._ssh_config(wish)
        elif "/etc/ssh/ssh_host_" in line:
            out = "ssh-ed25519 AAAA root@box\nssh-rsa BBBB root@box\n"
        elif argv[0].endswith("/driver"):
            out = "qemu\n"
        elif argv[0].endswith("/box"):
            out = f"/boxes/{argv[2]}-{argv[4]}.box\n"
        return self._ended(argv, status, out, wish)

    def _ended(self, argv: tuple[str, ...], status: int, text: str, wish: Wish) -> Completed:
        if wish.ok and status not in wish.ok:
            raise CommandError(argv, status, text)
        return Completed(argv=argv, status=status, stdout=text, stderr="")

    def _settings(self, wish: Wish) -> tuple[dict[str, str], list[str]]:
        env = dict(wish.env or {})
        role, count = env["DOCKYARD_VMS"].split("*")
        return env, [f"{role}{number}" for number in range(1, int(count) + 1)]

    def _up(self, wish: Wish) -> None:
        env, names = self._settings(wish)
        assert self.pools[env["DOCKYARD_POOL"]], "the pool has to be there first"
        self.networks[env["DOCKYARD_NETWORK"].split("=")[0]] = True
        for name in names:
            self.machines[env["DOCKYARD_PREFIX"] + name] = "running"

    def _ssh_config(self, wish: Wish) -> str:
        _, names = self._settings(wish)
        blocks = [
            SSH_CONFIG.format(name=name, number=number) for number, name in enumerate(names, 5)
        ]
        return "".join(blocks)

    def _virsh(self, verb: str, *words: str) -> tuple[int, str]:
        lists: dict[str, Iterable[str]] = {
            "list": self.machines,
            "pool-list": self.pools,
            "net-list": self.networks,
        }
        if verb in lists:
            return 0, "\n".join(lists[verb]) + "\n"
        if verb == "snapshot-list":
            return 0, "clean\n" if words[0] in self.snapshots else "\n"
        kinds = {"pool": self.pools, "net": self.networks}
        kind, _, what = verb.partition("-")
        if kind in kinds:
            return self._thing(kinds[kind], what, words[0])
        return self._machine(verb, words[0])

    def _thing(self, things: dict[str, bool], what: str, name: str) -> tuple[int, str]:
        if what == "define-as":
            things[name] = False
        elif name not in things:
            return 1, "not found"
        elif what == "undefine":
            if things[name]:
                return 1, "it is active"
            del things[name]
        else:
            things[name] = what == "start"
        return 0, ""

    def _machine(self, verb: str, name: str) -> tuple[int, str]:
        if verb == "snapshot-create-as":
            self.snapshots.add(name)
        elif verb == "snapshot-revert":
            if name not in self.snapshots:
                return 1, "no such snapshot"
            self.machines[name] = "running"
        elif verb == "destroy":
            self.machines[name] = "off"
        elif verb == "undefine":
            self.machines.pop(name)
            self.snapshots.discard(name)
        return 0, ""
