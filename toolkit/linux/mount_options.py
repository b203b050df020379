"""Option strings of mounts, as mount(8) and the runtime specification name them, made typed.

``parse_options(("rbind", "ro", "rprivate", "size=1m"))`` sorts them into flags, propagation,
recursive attributes and what is left over as the file system's own data.
"""

from toolkit.core.record import record
from toolkit.linux.mounts import MountAttr, MountFlag

F = MountFlag
A = MountAttr

_SET = {
    "bind": F.BIND,
    "rbind": F.BIND | F.REC,
    "remount": F.REMOUNT,
    "ro": F.RDONLY,
    "nosuid": F.NOSUID,
    "nodev": F.NODEV,
    "noexec": F.NOEXEC,
    "sync": F.SYNCHRONOUS,
    "dirsync": F.DIRSYNC,
    "mand": F.MANDLOCK,
    "noatime": F.NOATIME,
    "nodiratime": F.NODIRATIME,
    "relatime": F.RELATIME,
    "strictatime": F.STRICTATIME,
    "nosymfollow": F.NOSYMFOLLOW,
    "silent": F.SILENT,
    "iversion": F.I_VERSION,
    "lazytime": F.LAZYTIME,
    "acl": F.POSIXACL,
}
_CLEAR = {
    "rw": F.RDONLY,
    "suid": F.NOSUID,
    "dev": F.NODEV,
    "exec": F.NOEXEC,
    "async": F.SYNCHRONOUS,
    "nomand": F.MANDLOCK,
    "atime": F.NOATIME,
    "diratime": F.NODIRATIME,
    "norelatime": F.RELATIME,
    "nostrictatime": F.STRICTATIME,
    "symfollow": F.NOSYMFOLLOW,
    "loud": F.SILENT,
    "noiversion": F.I_VERSION,
    "nolazytime": F.LAZYTIME,
    "noacl": F.POSIXACL,
}
PROPAGATION = {
    "private": F.PRIVATE,
    "rprivate": F.PRIVATE | F.REC,
    "shared": F.SHARED,
    "rshared": F.SHARED | F.REC,
    "slave": F.SLAVE,
    "rslave": F.SLAVE | F.REC,
    "unbindable": F.UNBINDABLE,
    "runbindable": F.UNBINDABLE | F.REC,
}
"""What is shared with whom, as mount(2) takes it."""

# name: (set, clear) of mount_setattr(2) with AT_RECURSIVE; an access time mode replaces another
_RECURSIVE = {
    "rro": (A.RDONLY, A.NONE),
    "rrw": (A.NONE, A.RDONLY),
    "rnosuid": (A.NOSUID, A.NONE),
    "rsuid": (A.NONE, A.NOSUID),
    "rnodev": (A.NODEV, A.NONE),
    "rdev": (A.NONE, A.NODEV),
    "rnoexec": (A.NOEXEC, A.NONE),
    "rexec": (A.NONE, A.NOEXEC),
    "rnodiratime": (A.NODIRATIME, A.NONE),
    "rdiratime": (A.NONE, A.NODIRATIME),
    "rnosymfollow": (A.NOSYMFOLLOW, A.NONE),
    "rsymfollow": (A.NONE, A.NOSYMFOLLOW),
    "rrelatime": (A.NONE, A.ATIME),
    "rnorelatime": (A.STRICTATIME, A.ATIME),
    "rnoatime": (A.NOATIME, A.ATIME),
    "ratime": (A.NONE, A.ATIME),
    "rstrictatime": (A.STRICTATIME, A.ATIME),
    "rnostrictatime": (A.NONE, A.ATIME),
}
_IDMAP = ("idmap", "ridmap")
_COPY_UP = "tmpcopyup"
_NOTHING = ("defaults",)

_AS_ATTRIBUTE = {
    F.RDONLY: A.RDONLY,
    F.NOSUID: A.NOSUID,
    F.NODEV: A.NODEV,
    F.NOEXEC: A.NOEXEC,
    F.NODIRATIME: A.NODIRATIME,
    F.NOSYMFOLLOW: A.NOSYMFOLLOW,
}
_ACCESS_TIME = {F.NOATIME: A.NOATIME, F.STRICTATIME: A.STRICTATIME, F.RELATIME: A.NONE}

KNOWN = frozenset((*_SET, *_CLEAR, *PROPAGATION, *_RECURSIVE, *_IDMAP, _COPY_UP, *_NOTHING))
"""Every name with a meaning here; all else is the file system's own data."""


@record
class MountOptions:
    """What a list of options asks for.

    ``flags`` and ``clear`` exclude each other (the last word counts). ``propagation`` is in the
    order in which it is to be applied, each with one mount(2) of its own. ``recursive_set`` and
    ``recursive_clear`` are for mount_setattr with AT_RECURSIVE. ``idmap`` is ``idmap`` or
    ``ridmap`` (with what is mounted below) where ids are to be mapped.
    """

    flags: int = MountFlag.NONE
    clear: int = MountFlag.NONE
    propagation: tuple[int, ...] = ()
    recursive_set: int = MountAttr.NONE
    recursive_clear: int = MountAttr.NONE
    data: str = ""
    copy_up: bool = False
    idmap: str = ""

    @property
    def bind(self) -> bool:
        """Whether an existing tree is to be shown elsewhere."""
        return bool(self.flags & MountFlag.BIND)

    @property
    def recursive(self) -> bool:
        """Whether what is mounted below the source comes along."""
        return bool(self.flags & MountFlag.REC)

    def attributes(self) -> tuple[int, int]:
        """``flags`` and ``clear`` as the (set, clear) of mount_setattr, for bind mounts."""
        attr_set = attr_clear = MountAttr.NONE
        for flag, attribute in _AS_ATTRIBUTE.items():
            attr_set |= attribute if self.flags & flag else MountAttr.NONE
            attr_clear |= attribute if self.clear & flag else MountAttr.NONE
        for flag, attribute in _ACCESS_TIME.items():
            if self.flags & flag:
                return attr_set | attribute, attr_clear | MountAttr.ATIME
        if self.clear & (MountFlag.NOATIME | MountFlag.STRICTATIME):
            attr_clear |= MountAttr.ATIME
        return attr_set, attr_clear


def parse_options(options: tuple[str, ...]) -> MountOptions:
    """Sort ``options``; of two that contradict each other the later one counts."""
    flags = clear = MountFlag.NONE
    attr_set = attr_clear = MountAttr.NONE
    propagation: list[int] = []
    data: list[str] = []
    idmap = ""
    for name in options:
        if name in _SET:
            flags, clear = flags | _SET[name], clear & ~_SET[name]
        elif name in _CLEAR:
            flags, clear = flags & ~_CLEAR[name], clear | _CLEAR[name]
        elif name in PROPAGATION:
            propagation.append(PROPAGATION[name])
        elif name in _RECURSIVE:
            on, off = _RECURSIVE[name]
            attr_set, attr_clear = (attr_set & ~off) | on, (attr_clear & ~on) | off
        elif name in _IDMAP:
            idmap = name
        elif name not in (_COPY_UP, *_NOTHING):
            data.append(name)
    return MountOptions(
        flags=flags,
        clear=clear,
        propagation=tuple(propagation),
        recursive_set=attr_set,
        recursive_clear=attr_clear,
        data=",".join(data),
        copy_up=_COPY_UP in options,
        idmap=idmap,
    )
