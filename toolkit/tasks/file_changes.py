"""Changes to files, directories and links; each knows what it replaces."""

import hashlib

from toolkit.core.record import record, replace
from toolkit.tasks.changes import Change, Difference, as_text, change_kind
from toolkit.tasks.host import Attributes, Host

BRIEF = 64 * 1024
"""Of new content, a journal keeps at most so many bytes, to tell it from later work."""

change_kind("attributes")(Attributes)


@change_kind("content")
@record
class Content:
    """A regular file: its bytes and attributes.

    With a ``digest`` the bytes were too many to keep, and only this tells what they were.
    """

    data: bytes
    attributes: Attributes
    digest: str = ""

    def holds(self, data: bytes) -> bool:
        """Are these its bytes?"""
        return _digest(data) == self.digest if self.digest else data == self.data

    def brief(self) -> "Content":
        """Itself, or its digest where a journal should not hold all of it."""
        if len(self.data) <= BRIEF:
            return self
        return replace(self, data=b"", digest=_digest(self.data))


@change_kind("write_file")
@record
class WriteFile(Change):
    """Make ``path`` a file of this content; ``old`` is what lies there now, if it is a file."""

    path: str
    new: Content
    old: Content | None = None

    def describe(self) -> str:
        """``write /etc/motd (12 bytes)``."""
        verb = "write" if self.old else "make"
        return f"{verb} {self.path} ({len(self.new.data)} bytes)"

    def apply(self, host: Host) -> None:
        """Replace the file in one step."""
        host.files.write(self.path, self.new.data, self.new.attributes)

    def inverse(self) -> Change | None:
        """Write the old content back, or remove what was new."""
        if self.old is None:
            return RemoveFile(path=self.path, old=self.new.brief())
        if self.old.digest:
            return None
        return WriteFile(path=self.path, new=self.old, old=self.new.brief())

    def difference(self) -> Difference:
        """Both contents."""
        return Difference(
            before=as_text(self.old.data if self.old else None),
            after=as_text(self.new.data),
            before_header=self.path if self.old else "/dev/null",
            after_header=self.path,
        )


@change_kind("remove_file")
@record
class RemoveFile(Change):
    """Remove a file; ``old`` is absent where it is too large or too special to keep."""

    path: str
    old: Content | None = None

    def describe(self) -> str:
        """``remove /etc/motd``."""
        return f"remove {self.path}"

    def apply(self, host: Host) -> None:
        """Remove it."""
        host.files.remove(self.path)

    def inverse(self) -> Change | None:
        """Write it again, if its content was kept."""
        kept = self.old is not None and not self.old.digest
        return WriteFile(path=self.path, new=self.old) if self.old and kept else None

    def difference(self) -> Difference:
        """The content that goes."""
        return Difference(
            before=as_text(self.old.data if self.old else None),
            after="",
            before_header=self.path,
            after_header="/dev/null",
        )


@change_kind("make_directory")
@record
class MakeDirectory(Change):
    """Make one directory."""

    path: str
    attributes: Attributes

    def describe(self) -> str:
        """``make directory /srv``."""
        return f"make directory {self.path} ({self.attributes.mode:04o})"

    def apply(self, host: Host) -> None:
        """Make it."""
        host.files.mkdir(self.path, self.attributes)

    def inverse(self) -> Change:
        """Remove it; it must be empty again by then."""
        return RemoveDirectory(path=self.path, attributes=self.attributes)


@change_kind("remove_directory")
@record
class RemoveDirectory(Change):
    """Remove one empty directory."""

    path: str
    attributes: Attributes

    def describe(self) -> str:
        """``remove directory /srv``."""
        return f"remove directory {self.path}"

    def apply(self, host: Host) -> None:
        """Remove it."""
        host.files.remove(self.path)

    def inverse(self) -> Change:
        """Make it again."""
        return MakeDirectory(path=self.path, attributes=self.attributes)


@change_kind("make_link")
@record
class MakeLink(Change):
    """Make a symbolic link, or turn it to another target; ``old`` is its target now."""

    path: str
    target: str
    old: str | None = None

    def describe(self) -> str:
        """``link /etc/localtime -> …``."""
        return f"link {self.path} -> {self.target}"

    def apply(self, host: Host) -> None:
        """Make it in one step."""
        host.files.symlink(self.path, self.target)

    def inverse(self) -> Change:
        """Turn it back, or remove it."""
        if self.old is None:
            return RemoveLink(path=self.path, target=self.target)
        return replace(self, target=self.old, old=self.target)

    def difference(self) -> Difference:
        """Both targets."""
        before = f"{self.old}\n" if self.old else ""
        return Difference(before=before, after=f"{self.target}\n")


@change_kind("remove_link")
@record
class RemoveLink(Change):
    """Remove a symbolic link."""

    path: str
    target: str

    def describe(self) -> str:
        """``remove link /etc/localtime``."""
        return f"remove link {self.path}"

    def apply(self, host: Host) -> None:
        """Remove it."""
        host.files.remove(self.path)

    def inverse(self) -> Change:
        """Make it again."""
        return MakeLink(path=self.path, target=self.target)


@change_kind("make_hard_link")
@record
class MakeHardLink(Change):
    """Give the file ``target`` the further name ``path``; ``old`` is the file that it replaces."""

    path: str
    target: str
    old: Content | None = None

    def describe(self) -> str:
        """``hard link /a = /b``."""
        return f"hard link {self.path} = {self.target}"

    def apply(self, host: Host) -> None:
        """Make it in one step."""
        host.files.link(self.path, self.target)

    def inverse(self) -> Change:
        """Remove the name, or write the file that had it."""
        if self.old is None:
            return RemoveHardLink(path=self.path, target=self.target)
        return ReplaceHardLink(path=self.path, target=self.target, content=self.old)


@change_kind("remove_hard_link")
@record
class RemoveHardLink(Change):
    """Remove one name of a file that ``target`` still names."""

    path: str
    target: str

    def describe(self) -> str:
        """``remove hard link /a``."""
        return f"remove hard link {self.path}"

    def apply(self, host: Host) -> None:
        """Remove the name."""
        host.files.remove(self.path)

    def inverse(self) -> Change:
        """Give the name again."""
        return MakeHardLink(path=self.path, target=self.target)


@change_kind("replace_hard_link")
@record
class ReplaceHardLink(Change):
    """Put a file of its own where a hard link to ``target`` is."""

    path: str
    target: str
    content: Content

    def describe(self) -> str:
        """``write /a in place of a hard link``."""
        return f"write {self.path} in place of a hard link"

    def apply(self, host: Host) -> None:
        """Replace the name in one step; the other file stays as it is."""
        host.files.write(self.path, self.content.data, self.content.attributes)

    def inverse(self) -> Change:
        """Link it again."""
        return MakeHardLink(path=self.path, target=self.target, old=self.content)


@change_kind("set_attributes")
@record
class SetAttributes(Change):
    """Set permission bits and owners of a path."""

    path: str
    new: Attributes
    old: Attributes

    def describe(self) -> str:
        """``set /etc/motd to 0644 0:0``."""
        return f"set {self.path} from {_shown(self.old)} to {_shown(self.new)}"

    def apply(self, host: Host) -> None:
        """Set them."""
        host.files.set_attributes(self.path, self.new)

    def inverse(self) -> Change:
        """Set the old ones."""
        return replace(self, new=self.old, old=self.new)

    def difference(self) -> Difference:
        """Both sets, a line each value."""
        return Difference(
            before=_listed(self.old),
            after=_listed(self.new),
            before_header=self.path,
            after_header=self.path,
        )


@change_kind("set_times")
@record
class SetTimes(Change):
    """Set the time of the last write (and read) of a path, in seconds."""

    path: str
    new: float
    old: float

    def describe(self) -> str:
        """``touch /etc/motd``."""
        return f"touch {self.path}"

    def apply(self, host: Host) -> None:
        """Set both times."""
        host.files.set_times(self.path, mtime=self.new, atime=self.new)

    def inverse(self) -> Change:
        """Set the old time."""
        return replace(self, new=self.old, old=self.new)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _shown(attributes: Attributes) -> str:
    return f"{attributes.mode:04o} {attributes.uid}:{attributes.gid}"


def _listed(attributes: Attributes) -> str:
    return f"mode: {attributes.mode:04o}\nowner: {attributes.uid}\ngroup: {attributes.gid}\n"
