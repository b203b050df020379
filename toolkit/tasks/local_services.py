"""systemd, as the manager of the running system or as files only (in an image, in a chroot)."""

import os
from collections.abc import Callable

from toolkit.core.errors import CommandError, UnsupportedError
from toolkit.core.process import Completed
from toolkit.tasks.host import Unit

RUNNING = "/run/systemd/system"  # sd_booted(3): exists only where systemd is the manager
_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_WORDS = ("LoadState", "UnitFileState", "ActiveState")


class Systemd:
    """``tasks.host.Services`` by ``systemctl``, which edits links where no manager runs."""

    def __init__(self, run: Callable[[tuple[str, ...]], Completed]) -> None:
        self._run = run

    def running(self) -> bool:
        """Is systemd the manager of this running system?"""
        return os.path.isdir(RUNNING)

    def unit(self, name: str) -> Unit:
        """What is known about a unit."""
        return self._asked(name) if self.running() else self._read(name)

    def _asked(self, name: str) -> Unit:
        properties = ",".join(_WORDS)
        shown = self._systemctl("show", f"--property={properties}", "--", name).stdout
        values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        load = values.get("LoadState", "not-found")
        enabled = values.get("UnitFileState", "")
        if load != "not-found" and not enabled:
            # A unit made from an old init script has no file, and so no state of one.
            enabled = self._systemctl("is-enabled", "--", name, ok=()).stdout.strip()
        return Unit(
            name=name,
            exists=load != "not-found",
            enabled="masked" if load == "masked" else enabled,
            active=values.get("ActiveState", ""),
        )

    def _read(self, name: str) -> Unit:
        if not _has_file(name):
            return Unit(name=name, exists=False, enabled="")
        said = self._systemctl("is-enabled", "--", name, ok=()).stdout.split()
        return Unit(name=name, enabled=said[0] if said else "disabled")

    def enable(self, name: str) -> None:
        """Start it at boot."""
        self._systemctl("enable", "--quiet", "--", name)

    def disable(self, name: str) -> None:
        """Do not start it at boot."""
        self._systemctl("disable", "--quiet", "--", name)

    def mask(self, name: str) -> None:
        """Make it impossible to start."""
        self._systemctl("mask", "--quiet", "--", name)

    def unmask(self, name: str) -> None:
        """Undo ``mask``."""
        self._systemctl("unmask", "--quiet", "--", name)

    def start(self, name: str) -> None:
        """Start it now."""
        self._systemctl("start", "--", name)

    def stop(self, name: str) -> None:
        """Stop it now."""
        self._systemctl("stop", "--", name)

    def restart(self, name: str) -> None:
        """Stop and start it."""
        self._systemctl("restart", "--", name)

    def reload(self, name: str) -> None:
        """Have it read its configuration again."""
        self._systemctl("reload", "--", name)

    def daemon_reload(self) -> None:
        """Have the manager read its unit files again."""
        self._systemctl("daemon-reload")

    def _systemctl(self, *words: str, ok: tuple[int, ...] = (0,)) -> Completed:
        argv = ("systemctl", "--no-ask-password", *words)
        done = self._run(argv)
        if done.status == 127:
            raise UnsupportedError(
                "this host has no systemd", hint="dockyard manages services through systemd only"
            )
        if ok and done.status not in ok:
            unit = words[-1]
            hint = f"'systemctl status {unit}' and 'journalctl -u {unit}' tell more"
            raise CommandError(argv, done.status, done.stderr, hint=hint)
        return done


def _has_file(name: str) -> bool:
    base, at, rest = name.partition("@")
    if at:  # an instance has only its template's file
        name = f"{base}@.{rest.rpartition('.')[2]}"
    script = os.path.join("/etc/init.d", base.removesuffix(".service"))
    paths = (*(os.path.join(place, name) for place in _DIRECTORIES), script)
    return any(os.path.lexists(path) for path in paths)
