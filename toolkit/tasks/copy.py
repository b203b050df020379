"""``copy``: a file has this content, from the play or from the host itself."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task

DIGEST = "sha256:"


@task("copy")
@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Hold the content, owners and mode of one file; Ansible's ``copy``.

    ``content`` is the text itself. ``src`` names a file that came with the play, which the
    runner has replaced by ``sha256:…#name``; with ``remote_src`` it is a path on the host.
    A ``dest`` that ends with a slash or is a directory takes the name of ``src``. ``force: false``
    leaves a file alone that is there.
    """

    aliases: ClassVar[Mapping[str, str]] = {"thirsty": "force"}

    dest: str
    src: str | None = None
    content: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    directory_mode: str | None = None
    backup: bool = False
    force: bool = True
    follow: bool = False
    remote_src: bool = False
    validate: str | None = None

    def __post_init__(self) -> None:
        if (self.src is None) == (self.content is None):
            raise InvalidInputError("needs either src or content")
        if self.content is not None and self.dest.endswith("/"):
            raise InvalidInputError("content needs the name of a file as dest, not a directory")
        if self.mode == "preserve" and not self.remote_src:
            raise InvalidInputError(
                "mode 'preserve' works with remote_src only", hint='write the mode, as in "0644"'
            )

    def plan(self, host: Host) -> Plan:
        """Compare content and attributes."""
        name, data, mode = self._source(host)
        values: dict[str, Any] = {"src": self.src} if self.src else {}
        placement = Placement(
            dest=self.dest,
            name=name,
            data=data,
            ownership=paths.Ownership(owner=self.owner, group=self.group, mode=mode),
            directory_mode=self.directory_mode,
            backup=self.backup,
            force=self.force,
            follow=self.follow,
            validate=self.validate,
        )
        return values | (yield from place(host, placement))

    def _source(self, host: Host) -> tuple[str, bytes, str | None]:
        """The source's name, its content, and the mode to set."""
        if self.content is not None:
            return "", self.content.encode(), self.mode
        src = str(self.src)
        if src.startswith(DIGEST):
            digest, _, name = src.partition("#")
            return name, host.artifact(digest), self.mode
        if not self.remote_src:
            raise NotFoundError(f"the file '{src}' did not come with the play")
        return self._remote(host, paths.absolute(host, src))

    def _remote(self, host: Host, src: str) -> tuple[str, bytes, str | None]:
        found = host.files.stat(src)
        if found is None:
            raise NotFoundError(f"there is no file '{src}' on this host")
        if found.kind != "file":
            raise InvalidInputError(f"'{src}' is a {found.kind}; only files can be copied")
        mode = f"{found.mode:04o}" if self.mode == "preserve" else self.mode
        return posixpath.basename(src), host.files.read(src), mode
