"""``get_url``: a file has the content that a server has."""

import posixpath
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError, UnavailableError
from toolkit.core.record import replace
from toolkit.tasks import looking, paths
from toolkit.tasks.asking import Asking
from toolkit.tasks.host import Host, HttpResponse
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task

_GOOD, _SAME = 200, 304
_DIGEST = re.compile(r"[0-9a-fA-F]+")


@task("get_url")
@dataclass(frozen=True, kw_only=True, slots=True)
class GetUrl(Asking):
    """Hold a file at what ``url`` gives; Ansible's ``get_url``.

    A ``dest`` that is a directory takes the name that the server or the address gives. A file
    that fits ``checksum`` (``sha256:DIGEST``, or ``sha256:ADDRESS`` of a file with digests) is not
    fetched again, nor is one that the server says is not newer; ``force`` fetches always.
    """

    aliases: ClassVar[Mapping[str, str]] = {"username": "url_username", "password": "url_password"}

    dest: str
    checksum: str = ""
    force: bool = False
    backup: bool = False
    decompress: bool = True
    owner: str | None = None
    group: str | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        if self.checksum:
            self._wanted()

    def _wanted(self) -> tuple[str, str]:
        """The algorithm and the digest, or the address of digests."""
        algorithm, colon, rest = self.checksum.partition(":")
        if not colon or not rest:
            raise InvalidInputError(
                f"checksum is 'ALGORITHM:DIGEST', not '{self.checksum}'",
                hint='checksum: "sha256:…"',
            )
        looking.check_algorithm(algorithm.lower())
        if not rest.startswith(("http://", "https://")) and not _DIGEST.fullmatch(rest.strip()):
            raise InvalidInputError(f"'{rest}' is no digest in hexadecimal")
        return algorithm.lower(), rest.strip()

    def plan(self, host: Host) -> Plan:
        """Compare the file with the checksum, then with what the server sends."""
        dest = paths.absolute(host, self.dest)
        there = host.files.stat(dest)
        directory = self.dest.endswith("/") or bool(there and there.kind == "directory")
        algorithm, digest = self._digest(host)
        if there and there.kind == "file" and not self.force and digest:
            data = host.files.read(dest)
            if looking.digest(data, algorithm) == digest:
                held = yield from self._place(host, dest, data)
                return {"url": self.url, "msg": "file already exists", **held}
        newer = there.mtime if there and not directory and not digest else None
        answer = self._fetched(host, newer)
        if answer.status == _SAME:
            held = yield from self._place(host, dest, host.files.read(dest))
            return {"url": self.url, "msg": answer.reason, "status_code": _SAME, **held}
        found = looking.digest(answer.body, algorithm)
        if digest and found != digest:
            raise ConflictError(f"what '{self.url}' sent has the {algorithm} {found}, not {digest}")
        if directory:
            dest = posixpath.join(dest, _name(answer))
        held = yield from self._place(host, dest, answer.body)
        said = f"OK ({len(answer.body)} bytes)"
        told = {"url": answer.url, "msg": said, "status_code": answer.status}
        return {**told, "checksum_src": held["checksum_dest"], **held}

    def _digest(self, host: Host) -> tuple[str, str]:
        if not self.checksum:
            return "sha1", ""
        algorithm, digest = self._wanted()
        if not digest.startswith(("http://", "https://")):
            return algorithm, digest.lower()
        answer = host.request(replace(self.request("GET"), url=digest))
        if answer is None or answer.status != _GOOD:
            raise UnavailableError(f"cannot read the digests of '{digest}'")
        return algorithm, _listed(answer.body.decode(errors="replace"), self.url)

    def _fetched(self, host: Host, newer: float | None) -> HttpResponse:
        condition = {}
        if newer and not self.force:
            condition["If-Modified-Since"] = formatdate(newer, usegmt=True)
        answer = host.request(self.request("GET", **condition))
        if answer is None or answer.status not in (_GOOD, _SAME):
            said = f"{answer.status} {answer.reason}" if answer else "nothing"
            raise UnavailableError(f"'{self.url}' answers {said}")
        return answer

    def _place(self, host: Host, dest: str, data: bytes) -> Plan:
        owners = paths.Ownership(owner=self.owner, group=self.group, mode=self.mode)
        placement = Placement(
            dest=dest, name="", data=data, ownership=owners, backup=self.backup, follow=True
        )
        held: dict[str, Any] = yield from place(host, placement)
        held["checksum_dest"] = held.pop("checksum")
        return held


def _listed(text: str, url: str) -> str:
    """The digest in a list of ``DIGEST  NAME`` lines, or the only one."""
    rows = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0].lower()
    name = posixpath.basename(urllib.parse.urlsplit(url).path)
    for row in rows:
        if len(row) > 1 and row[1].strip().lstrip("*").removeprefix("./") == name:
            return row[0].lower()
    raise ConflictError(f"the list of digests has none of '{name}'")


def _name(answer: HttpResponse) -> str:
    """What the server calls the file, else the end of its address."""
    told = dict(answer.headers).get("content-disposition", "")
    found = re.search(r'filename="?([^";]+)', told)
    name = found[1] if found else urllib.parse.urlsplit(answer.url).path
    name = posixpath.basename(urllib.parse.unquote(name).rstrip("/"))
    return name if name not in ("", ".", "..") else "index.html"
