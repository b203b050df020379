"""Changes to the kernel, to packages and services, and programs that are run."""

import secrets
from enum import StrEnum

from toolkit.core.errors import CommandError, ConflictError
from toolkit.core.process import Completed
from toolkit.core.record import record, replace
from toolkit.tasks.changes import Change, Difference, change_kind
from toolkit.tasks.host import Attributes, Host


@change_kind("set_sysctl")
@record
class SetSysctl(Change):
    """Set one kernel parameter now."""

    name: str
    new: str
    old: str

    def describe(self) -> str:
        """``set net.ipv4.ip_forward from 0 to 1``."""
        return f"set {self.name} from '{self.old}' to '{self.new}'"

    def apply(self, host: Host) -> None:
        """Write it."""
        host.kernel.set_sysctl(self.name, self.new)

    def inverse(self) -> Change:
        """Write the old value."""
        return replace(self, new=self.old, old=self.new)

    def difference(self) -> Difference:
        """Both values."""
        return Difference(before=f"{self.name} = {self.old}\n", after=f"{self.name} = {self.new}\n")


@change_kind("load_module")
@record
class LoadModule(Change):
    """Load a kernel module."""

    name: str
    params: str = ""

    def describe(self) -> str:
        """``load kernel module overlay``."""
        return f"load kernel module {self.name} {self.params}".rstrip()

    def apply(self, host: Host) -> None:
        """Load it."""
        host.kernel.load_module(self.name, self.params)

    def inverse(self) -> Change:
        """Unload it."""
        return UnloadModule(name=self.name, params=self.params)


@change_kind("unload_module")
@record
class UnloadModule(Change):
    """Unload a kernel module."""

    name: str
    params: str = ""

    def describe(self) -> str:
        """``unload kernel module overlay``."""
        return f"unload kernel module {self.name}"

    def apply(self, host: Host) -> None:
        """Unload it."""
        host.kernel.unload_module(self.name)

    def inverse(self) -> Change:
        """Load it again."""
        return LoadModule(name=self.name, params=self.params)


@change_kind("update_packages")
@record
class UpdatePackageLists(Change):
    """Fetch the package lists; ``counts`` if that is all that was asked for."""

    counts: bool = False

    def describe(self) -> str:
        """``update package lists``."""
        return "update package lists"

    def apply(self, host: Host) -> None:
        """Fetch them."""
        host.packages.update()

    def inverse(self) -> None:
        """Nothing brings old lists back, and nothing needs them."""
        return


@change_kind("install_packages")
@record
class InstallPackages(Change):
    """Install ``names``, which brings the packages ``new`` (``name=version``, dependencies too).

    ``old`` holds ``name=version`` for each of them that is installed in another version.
    """

    names: tuple[str, ...]
    new: tuple[str, ...]
    old: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def describe(self) -> str:
        """``install curl, jq``, and with what."""
        more = len(self.new) - len(self.names)
        return f"install {', '.join(self.names)}" + (f" and {more} more" if more > 0 else "")

    def apply(self, host: Host) -> None:
        """Install them."""
        host.packages.install(self.names, self.options)

    def inverse(self) -> Change | None:
        """Remove all that was new; an upgrade is not taken back, for the old version is gone."""
        if self.old:
            return None
        return RemovePackages(names=tuple(_bare(name) for name in self.new), old=self.new)

    def difference(self) -> Difference:
        """Both lists."""
        return Difference(before=_lines(self.old), after=_lines(self.new))


@change_kind("remove_packages")
@record
class RemovePackages(Change):
    """Remove ``names``; ``old`` holds ``name=version`` for each package that goes with them."""

    names: tuple[str, ...]
    old: tuple[str, ...]
    purge: bool = False

    def describe(self) -> str:
        """``remove curl, jq``, and with what."""
        more = len(self.old) - len(self.names)
        verb = "purge" if self.purge else "remove"
        return f"{verb} {', '.join(self.names)}" + (f" and {more} more" if more > 0 else "")

    def apply(self, host: Host) -> None:
        """Remove them, unless a package that was installed since would go with them."""
        verb = "purge" if self.purge else "remove"
        steps = host.packages.rehearse(verb, self.names)
        gone = {step.name for step in steps if not step.new}
        more = sorted(gone - {_bare(name) for name in self.old})
        if more:
            raise ConflictError(
                f"removing {', '.join(self.names)} would also remove {', '.join(more)}",
                hint="remove what needs them first",
            )
        host.packages.remove(self.names, purge=self.purge)

    def inverse(self) -> Change | None:
        """Install them again; what a purge took from ``/etc`` cannot come back."""
        return None if self.purge else InstallPackages(names=self.old, new=self.old)

    def difference(self) -> Difference:
        """What goes."""
        return Difference(before=_lines(self.old), after="")


@change_kind("upgrade_packages")
@record
class UpgradePackages(Change):
    """Bring everything to its newest version by the apt-get command ``verb``."""

    verb: str
    new: tuple[str, ...]
    old: tuple[str, ...]

    def describe(self) -> str:
        """``upgrade 12 packages``."""
        return f"upgrade {len(self.new)} package{'' if len(self.new) == 1 else 's'}"

    def apply(self, host: Host) -> None:
        """Upgrade them."""
        host.packages.upgrade(self.verb)

    def inverse(self) -> None:
        """Old versions are gone from the mirrors."""
        return

    def difference(self) -> Difference:
        """Both lists."""
        return Difference(before=_lines(self.old), after=_lines(self.new))


@change_kind("autoremove_packages")
@record
class AutoremovePackages(Change):
    """Remove what was installed for others that are gone; ``old`` holds ``name=version``."""

    old: tuple[str, ...]
    purge: bool = False

    def describe(self) -> str:
        """``remove 2 packages that nothing needs``."""
        return f"remove {len(self.old)} package(s) that nothing needs"

    def apply(self, host: Host) -> None:
        """Remove them."""
        host.packages.autoremove(purge=self.purge)

    def inverse(self) -> Change | None:
        """Install them again; what a purge took from ``/etc`` cannot come back."""
        return None if self.purge else InstallPackages(names=self.old, new=self.old)

    def difference(self) -> Difference:
        """What goes."""
        return Difference(before=_lines(self.old), after="")


class UnitAction(StrEnum):
    """What can be done to a unit."""

    ENABLE = "enable"
    DISABLE = "disable"
    MASK = "mask"
    UNMASK = "unmask"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"


_OPPOSITE = {
    UnitAction.ENABLE: UnitAction.DISABLE,
    UnitAction.DISABLE: UnitAction.ENABLE,
    UnitAction.MASK: UnitAction.UNMASK,
    UnitAction.UNMASK: UnitAction.MASK,
    UnitAction.START: UnitAction.STOP,
    UnitAction.STOP: UnitAction.START,
    UnitAction.RESTART: UnitAction.RESTART,
    UnitAction.RELOAD: UnitAction.RELOAD,
}


@change_kind("change_unit")
@record
class ChangeUnit(Change):
    """Enable, start, … one unit; ``action`` is one of ``UnitAction``'s words."""

    name: str
    action: str

    def describe(self) -> str:
        """``start cron.service``."""
        return f"{self.action} {self.name}"

    def apply(self, host: Host) -> None:
        """Do it."""
        getattr(host.services, UnitAction(self.action).value)(self.name)

    def inverse(self) -> Change:
        """The opposite; a restart or reload again, so that the unit sees restored files."""
        return replace(self, action=_OPPOSITE[UnitAction(self.action)].value)


@change_kind("daemon_reload")
@record
class DaemonReload(Change):
    """Have the service manager read its unit files again; the files are the change."""

    counts: bool = False

    def describe(self) -> str:
        """``reload systemd``."""
        return "reload systemd"

    def apply(self, host: Host) -> None:
        """Do it."""
        host.services.daemon_reload()

    def inverse(self) -> Change:
        """Again, so that the manager sees the restored files."""
        return self


@change_kind("run_command")
@record
class RunCommand(Change):
    """Run a program; ``undo`` is the argv that takes it back, empty where nothing does."""

    argv: tuple[str, ...]
    undo: tuple[str, ...] = ()
    stdin: str = ""
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = ""
    ok: tuple[int, ...] = (0,)

    def describe(self) -> str:
        """``run udevadm trigger``."""
        return f"run {' '.join(self.argv)}"

    def apply(self, host: Host) -> Completed | None:
        """Run it to its end; ``CommandError`` for a status not in ``ok`` (empty: accept all)."""
        env = dict(self.env) or None
        done = host.execute(self.argv, stdin=self.stdin, env=env, cwd=self.cwd)
        if done and self.ok and done.status not in self.ok:
            raise CommandError(self.argv, done.status, done.stderr)
        return done

    def kept(self) -> Change:
        """Without what it reads, which may be a password."""
        return replace(self, stdin="")

    def inverse(self) -> Change | None:
        """Run ``undo``."""
        return (
            RunCommand(argv=self.undo, undo=self.argv, env=self.env, cwd=self.cwd)
            if self.undo
            else None
        )


@change_kind("run_script")
@record
class RunScript(Change):
    """Run a script that came with the play: ``words`` are its arguments, ``name`` its own name.

    ``executable`` reads it, or the interpreter that its first line names.
    """

    name: str
    content: bytes
    words: tuple[str, ...] = ()
    executable: tuple[str, ...] = ()
    cwd: str = ""

    def describe(self) -> str:
        """``run the script setup.sh``."""
        return f"run the script {' '.join((self.name, *self.words))}"

    def apply(self, host: Host) -> Completed | None:
        """Put it where nobody else can read it, run it to its end, and remove it."""
        folder = f"/tmp/dockyard-{secrets.token_hex(8)}"  # noqa: S108 - private, and a new name
        path = f"{folder}/{self.name}"
        host.files.mkdir(folder, Attributes(mode=0o700))
        try:
            host.files.write(path, self.content, Attributes(mode=0o700))
            return host.execute((*self.executable, path, *self.words), cwd=self.cwd)
        finally:
            if host.files.stat(path):
                host.files.remove(path)
            host.files.remove(folder)

    def kept(self) -> Change:
        """Without its text and arguments, which may hold passwords."""
        return replace(self, content=b"", words=())

    def inverse(self) -> None:
        """Nobody knows what it did."""
        return


def _lines(names: tuple[str, ...]) -> str:
    return "".join(f"{name}\n" for name in names)


def _bare(name: str) -> str:
    return name.partition("=")[0]
