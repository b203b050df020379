"""Vagrant from the outside: the box's file, the machines' settings, and how to log in to them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.files import shipped
from toolkit.core.suggest import did_you_mean
from toolkit.fleet.programs import Programs, Wish

SUITES = {"debian12": "bookworm", "debian13": "trixie"}
"""Boxes that ``vagrant/box`` can build, by the name that people use."""
ROLES = ("fresh", "docker", "podman")
BUILD_SECONDS = 1800.0
UP_SECONDS = 1500.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """How to log in to one machine, as ``vagrant ssh-config`` says."""

    name: str
    address: str
    port: int
    user: str
    key_file: str


def box_of(wanted: str, programs: Programs, *, outside: tuple[str, ...] = ()) -> tuple[str, str]:
    """The box's file and its role, built where it has to be.

    ``wanted`` is a file, ``debian12`` or ``debian12/podman``; ``outside`` is put before the program
    that builds one, which fetches packages.
    """
    if wanted.endswith(".box") or wanted.startswith(("/", "./", "../")):
        if not os.path.isfile(wanted):
            raise NotFoundError(f"no such box: '{wanted}'", hint="vagrant/box builds one")
        return os.path.abspath(wanted), "fresh"
    suite, _, role = wanted.partition("/")
    role = role or "fresh"
    if suite not in SUITES or role not in ROLES:
        hint = did_you_mean(suite, SUITES) or f"one of {', '.join(SUITES)}, or a file"
        raise InvalidInputError(f"'{wanted}' is no box", hint=hint)
    argv = (*outside, f"{shipped('vagrant')}/box", "--suite", SUITES[suite], "--role", role)
    done = programs.run(argv, Wish(timeout=BUILD_SECONDS, talks=True))
    return done.stdout.split()[-1], role


def driver_of(box: str, programs: Programs, folder: str) -> str:
    """``kvm`` where a guest really boots under it, else ``qemu``; tried with the box's kernel."""
    programs.run(("tar", "-C", folder, "-xzf", box, "vmlinuz"), Wish(ok=()))
    kernel = f"{folder}/vmlinuz"
    own = (kernel,) if os.path.exists(kernel) else ()  # a box with a boot loader: one of /boot's
    try:
        return programs.run((f"{shipped('vagrant')}/driver", *own)).stdout.strip()
    finally:
        for path in own:
            os.unlink(path)


def logins(ssh_config: str) -> tuple[Login, ...]:
    """The machines that ``vagrant ssh-config`` lists."""
    found = []
    for block in re.split(r"^Host ", ssh_config, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        values: dict[str, str] = {}
        for line in lines:
            key, _, value = line.strip().partition(" ")
            values.setdefault(key, value.strip('"'))
        try:
            found.append(
                Login(
                    name=name.strip(),
                    address=values["HostName"],
                    port=int(values.get("Port", "22")),
                    user=values["User"],
                    key_file=values["IdentityFile"],
                )
            )
        except KeyError as missing:
            raise ToolkitError(f"vagrant ssh-config says no {missing} for '{name}'") from None
    return tuple(found)


class Vagrant:
    """One set of machines; ``settings`` are the variables of ``vagrant/Vagrantfile``."""

    def __init__(self, programs: Programs, folder: str, settings: Mapping[str, str]) -> None:
        self._programs = programs
        self._log = f"{folder}/vagrant.log"
        self._env = {
            "VAGRANT_CWD": shipped("vagrant"),
            "VAGRANT_DOTFILE_PATH": f"{folder}/vagrant",
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_NO_COLOR": "1",
            **settings,
        }

    def up(self) -> None:
        """Make the machines, side by side, and wait until each can be logged in to."""
        argv = ("vagrant", "--no-tty", "up", "--provider", "libvirt", "--no-provision")
        self._programs.run(argv, Wish(env=self._env, timeout=UP_SECONDS, log=self._log))

    def logins(self) -> tuple[Login, ...]:
        """How to log in to them."""
        done = self._programs.run(("vagrant", "ssh-config"), Wish(env=self._env, timeout=120))
        return logins(done.stdout)
