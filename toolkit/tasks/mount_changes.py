"""Changes to what is mounted, read from the kernel's own table."""

from toolkit.core.errors import CommandError
from toolkit.core.record import record
from toolkit.facts.machine import text
from toolkit.tasks.changes import Change, change_kind
from toolkit.tasks.host import Attributes, Host

MOUNTS = "/proc/self/mounts"
_HINTS = {
    "mount": "'dmesg' may tell more; is the package of this kind of file system installed?",
    "umount": "'fuser -vm PATH' tells who uses it",
}


@change_kind("mounted")
@record
class Mounted:
    """One mount, as proc_mounts(5) lists it."""

    path: str
    src: str
    fstype: str
    opts: str


def mounted_at(host: Host, path: str) -> Mounted | None:
    """The topmost mount at a path; ``None`` where it is no mount point."""
    rows = [line.split() for line in text(host, MOUNTS).splitlines()]
    found = [row for row in rows if len(row) > 3 and _plain(row[1]) == path]
    if not found:
        return None
    src, _, fstype, opts = found[-1][:4]
    return Mounted(path=path, src=_plain(src), fstype=fstype, opts=opts)


@change_kind("mount")
@record
class MountIt(Change):
    """Mount a file system, or mount it anew where it is."""

    new: Mounted
    remount: bool = False

    def describe(self) -> str:
        """``mount /dev/sdb1 on /srv``."""
        verb = "remount" if self.remount else f"mount {self.new.src} on"
        return f"{verb} {self.new.path}"

    def apply(self, host: Host) -> None:
        """Mount it."""
        if self.remount:
            _do(host, ("mount", "-o", "remount", "--", self.new.path))
            return
        words = ("-t", self.new.fstype, "-o", self.new.opts)
        if _do(host, ("mount", *words, "--", self.new.src, self.new.path)):
            return
        line = " ".join(
            (self.new.src, self.new.path.replace(" ", "\\040"), self.new.fstype, self.new.opts)
        )
        _imagine(host, [*text(host, MOUNTS).splitlines(), f"{line} 0 0"])

    def inverse(self) -> Change | None:
        """Unmount it; what a remount changed is not known."""
        return None if self.remount else UnmountIt(old=self.new)


@change_kind("unmount")
@record
class UnmountIt(Change):
    """Unmount a file system."""

    old: Mounted

    def describe(self) -> str:
        """``unmount /srv``."""
        return f"unmount {self.old.path}"

    def apply(self, host: Host) -> None:
        """Unmount it."""
        if _do(host, ("umount", "--", self.old.path)):
            return
        lines = text(host, MOUNTS).splitlines()
        mine = [at for at, line in enumerate(lines) if _plain(line.split()[1]) == self.old.path]
        _imagine(host, [line for at, line in enumerate(lines) if at not in mine[-1:]])

    def inverse(self) -> Change:
        """Mount it again."""
        return MountIt(new=self.old)


def _do(host: Host, argv: tuple[str, ...]) -> bool:
    """Run it; false on a planned host, where nothing ran."""
    done = host.execute(argv)
    if done is None:
        return False
    if done.status != 0:
        raise CommandError(argv, done.status, done.stderr, hint=_HINTS[argv[0]])
    return True


def _imagine(host: Host, lines: list[str]) -> None:
    """Have a planned host's table read so."""
    data = "".join(f"{line}\n" for line in lines).encode()
    host.files.write(MOUNTS, data, Attributes(mode=0o444))


def _plain(field: str) -> str:
    """Without the escapes of proc_mounts(5)."""
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
