"""Test machines: up in parallel, kept as a snapshot where wished, and gone without a trace.

All that is made lies in one folder or bears a name that follows from it (``hypervisor``), so that
a run that was killed is cleaned up by the next one with the same folder.
"""

import contextlib
import fcntl
import json
import logging
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from toolkit.core.errors import CommandError, ConflictError, UnavailableError
from toolkit.core.files import write_atomic
from toolkit.core.process import Completed
from toolkit.fleet import vagrant
from toolkit.fleet.hypervisor import Hypervisor
from toolkit.fleet.programs import Programs, RealPrograms, Wish
from toolkit.fleet.vagrant import Login, Vagrant

SSH_PORT = 22
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which machines: ``box`` is a file or a name such as ``debian12``; memory in MiB.

    With ``snapshot`` they are kept, booted and untouched, for the next run of the same plan.
    """

    box: str = "debian12"
    count: int = 1
    memory: int = 768
    cpus: int = 1
    snapshot: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Machines that are up; ``ssh_config`` and ``inventory`` are files that reach them."""

    logins: tuple[Login, ...]
    driver: str
    ssh_config: str
    known_hosts: str
    inventory: str
    resumed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where things are: ``folder`` is the machines' own, ``vagrant_home`` keeps unpacked boxes.

    An empty ``driver`` is found by trying. ``outside`` is put before a program that fetches
    packages, where this process stands in a network that reaches none. Within ``patience`` seconds
    a machine that was booted has to answer by ssh; emulation needs a tenth of it.
    """

    folder: str
    vagrant_home: str
    driver: str = ""
    outside: tuple[str, ...] = ()
    patience: float = 240.0


class Boxes:
    """The machines of one folder; one run at a time may use it."""

    def __init__(self, place: Place, programs: Programs | None = None) -> None:
        self.folder = os.path.abspath(place.folder)
        self._place = place
        self._programs = programs or RealPrograms()
        self.hypervisor = Hypervisor(self._programs, self.folder)
        self._kept = f"{self.folder}/boxes.json"

    @contextlib.contextmanager
    def locked(self, *, wait: float = 0.0) -> Iterator[None]:
        """Hold the folder; ``ConflictError`` if another run still does after ``wait`` seconds."""
        os.makedirs(self.folder, exist_ok=True)
        deadline = time.monotonic() + wait
        with open(f"{self.folder}/lock", "w", encoding="utf-8") as file:
            while not _is_ours(file):
                if time.monotonic() >= deadline:
                    raise ConflictError(
                        f"another run uses the machines of '{self.folder}'",
                        hint="name another folder with --folder",
                    )
                time.sleep(0.2)
            yield

    def box(self, plan: Plan) -> tuple[str, str]:
        """The file of the plan's box and its role."""
        return vagrant.box_of(plan.box, self._programs, outside=self._place.outside)

    def up(self, plan: Plan, box: tuple[str, str]) -> Fleet:
        """Boot the machines, or put saved ones back, and log in to each.

        Whatever an earlier run left in this folder is removed first. Machines that do not come up
        get a second chance, in emulation if nobody asked for KVM: they are the place for a proof,
        not what is proved.
        """
        file, _ = box
        driver = self._place.driver or vagrant.driver_of(file, self._programs, self.folder)
        recipe = {**asdict(plan), "box": file, "driver": driver}
        for way in (self._resumed, self._booted):
            try:
                fleet = way(plan, box, recipe)
            except (CommandError, UnavailableError) as error:
                _LOG.warning("the machines did not come up and are made anew: %s", error.message)
            else:
                if fleet:
                    return fleet
        return self._booted(plan, box, {**recipe, "driver": self._place.driver or "qemu"})

    def _booted(self, plan: Plan, box: tuple[str, str], recipe: Mapping[str, Any]) -> Fleet:
        self.clean()
        driver = recipe["driver"]
        os.makedirs(f"{self.folder}/console", exist_ok=True)
        self.hypervisor.make_pool(f"{self.folder}/pool")
        machines = Vagrant(self._programs, self.folder, self._settings(plan, box, driver))
        machines.up()
        logins = machines.logins()
        with ThreadPoolExecutor() as threads:
            lines = threads.map(self._known_hosts, logins)
        write_atomic(f"{self.folder}/known_hosts", "".join(lines).encode())
        fleet = self._fleet(logins, driver)
        if plan.snapshot:
            self._save(recipe, logins)
        return fleet

    def revert(self, fleet: Fleet) -> None:
        """Put saved machines back to the moment when they were saved."""
        self.hypervisor.resume(self.hypervisor.machines())
        for login in fleet.logins:
            self._wait_for(login, fleet.ssh_config)

    def down(self, *, saved: bool) -> None:
        """End the machines; only those that were ``saved`` can come back."""
        if saved and os.path.exists(self._kept):
            self.hypervisor.stop()
        else:
            self.clean()

    def clean(self) -> None:
        """Remove the machines, their disks, pool and network, and all that the folder says of them.

        The logs stay.
        """
        self.hypervisor.remove()
        for name in ("boxes.json", "ssh_config", "known_hosts", "inventory.ini"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.folder}/{name}")
        for name in ("pool", "vagrant"):
            shutil.rmtree(f"{self.folder}/{name}", ignore_errors=True)

    def _settings(self, plan: Plan, box: tuple[str, str], driver: str) -> dict[str, str]:
        file, role = box
        return {
            "VAGRANT_HOME": self._place.vagrant_home,
            "DOCKYARD_VMS": f"{role}*{plan.count}",
            "DOCKYARD_BOX": file,
            "DOCKYARD_DRIVER": driver,
            "DOCKYARD_MEMORY": str(plan.memory),
            "DOCKYARD_CPUS": str(plan.cpus),
            "DOCKYARD_PREFIX": self.hypervisor.prefix,
            "DOCKYARD_POOL": self.hypervisor.pool,
            "DOCKYARD_NETWORK": f"{self.hypervisor.network}={self.hypervisor.address}",
            "DOCKYARD_CONSOLE": f"{self.folder}/console",
        }

    def _known_hosts(self, login: Login) -> str:
        """The machine's own public keys, as lines of ``known_hosts``.

        The one login without a check: the machine was made a moment ago, in a network that nobody
        else is in. From then on its keys are known and checked.
        """
        unchecked = ("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={os.devnull}")
        where = ("-p", str(login.port), "-i", login.key_file, f"{login.user}@{login.address}")
        argv = ("ssh", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", *unchecked, *where)
        done = self._patiently(login, (*argv, "cat /etc/ssh/ssh_host_*_key.pub"))
        keys = (line.split()[:2] for line in done.stdout.splitlines())
        name = login.address if login.port == SSH_PORT else f"[{login.address}]:{login.port}"
        return "".join(f"{name} {' '.join(key)}\n" for key in keys)

    def _fleet(self, logins: tuple[Login, ...], driver: str, *, resumed: bool = False) -> Fleet:
        fleet = Fleet(
            logins=logins,
            driver=driver,
            ssh_config=f"{self.folder}/ssh_config",
            known_hosts=f"{self.folder}/known_hosts",
            inventory=f"{self.folder}/inventory.ini",
            resumed=resumed,
        )
        write_atomic(fleet.ssh_config, ssh_config(fleet).encode())
        write_atomic(fleet.inventory, inventory(fleet).encode())
        for login in logins:
            self._wait_for(login, fleet.ssh_config)
        return fleet

    def _wait_for(self, login: Login, config: str) -> None:
        """Wait until it answers by ssh, its key checked."""
        self._patiently(login, ("ssh", "-F", config, login.name, "true"))

    def _patiently(self, login: Login, argv: tuple[str, ...]) -> Completed:
        """Run an ssh to a machine that may still be booting: it may refuse or hang up."""
        deadline = time.monotonic() + self._place.patience
        while True:
            try:
                return self._programs.run(argv, Wish(timeout=self._place.patience + 60))
            except CommandError as error:
                if time.monotonic() > deadline:
                    raise UnavailableError(f"machine '{login.name}': {error.message}") from None
                time.sleep(0.5)

    def _save(self, recipe: Mapping[str, Any], logins: tuple[Login, ...]) -> None:
        machines = self.hypervisor.machines()
        for machine in machines:
            self.hypervisor.save(machine)
        kept = {
            "recipe": recipe,
            "machines": machines,
            "logins": [asdict(login) for login in logins],
        }
        write_atomic(self._kept, json.dumps(kept).encode())

    def _resumed(self, plan: Plan, box: tuple[str, str], recipe: Mapping[str, Any]) -> Fleet | None:
        """The saved machines of this very recipe, put back; ``None`` where there are none."""
        del box
        if not plan.snapshot or not os.path.exists(self._kept):
            return None
        with open(self._kept, encoding="utf-8") as file:
            kept = json.load(file)
        machines = self.hypervisor.machines()
        if kept["recipe"] != recipe or sorted(kept["machines"]) != sorted(machines):
            return None
        if not all(self.hypervisor.is_saved(machine) for machine in machines):
            return None
        self.hypervisor.resume(machines)
        logins = tuple(Login(**login) for login in kept["logins"])
        return self._fleet(logins, recipe["driver"], resumed=True)


def _is_ours(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ssh_config(fleet: Fleet) -> str:
    """A configuration for OpenSSH's programs: strict, by the machines' names."""
    blocks = [
        f"Host {login.name}\n  HostName {login.address}\n  Port {login.port}\n  User {login.user}\n"
        f"  IdentityFile {login.key_file}\n"
        for login in fleet.logins
    ]
    everyone = (
        f"Host *\n  IdentitiesOnly yes\n  BatchMode yes\n  LogLevel ERROR\n"
        f"  ConnectTimeout 60\n  ServerAliveInterval 30\n"
        f"  StrictHostKeyChecking yes\n  UserKnownHostsFile {fleet.known_hosts}\n"
    )
    return "".join(blocks) + everyone


def inventory(fleet: Fleet) -> str:
    """An INI inventory of the machines, in the group ``boxes``."""
    rows = "".join(
        f"{login.name} ansible_host={login.address} ansible_port={login.port} "
        f"ansible_user={login.user} ansible_ssh_private_key_file={shlex.quote(login.key_file)}\n"
        for login in fleet.logins
    )
    known = shlex.quote(fleet.known_hosts)
    return f"[boxes]\n{rows}\n[boxes:vars]\nansible_become=true\ndockyard_known_hosts={known}\n"
