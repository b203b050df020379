"""``deb822_repository``: apt takes packages from this source, in paragraphs."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import InvalidInputError, NotFoundError, UnavailableError
from toolkit.tasks import paths
from toolkit.tasks.apt_repository import FOLDER
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host, HttpRequest
from toolkit.tasks.package import refuse_others
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task

_KEYS = "/etc/apt/keyrings"
_ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_GOOD = 200


@task("deb822_repository")
@dataclass(frozen=True, kw_only=True, slots=True)
class Deb822Repository:
    """Hold a source of packages in the form of deb822; Ansible's ``deb822_repository``.

    ``signed_by`` is the address of a key, a file of the host, or the armoured key itself; a key
    that is fetched or given goes to ``/etc/apt/keyrings``. ``absent`` removes both files.
    """

    name: str
    state: Presence = Presence.PRESENT
    uris: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    types: tuple[str, ...] = ("deb",)
    architectures: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    signed_by: str | None = None
    enabled: bool | None = None
    trusted: bool | None = None
    by_hash: bool | None = None
    check_date: bool | None = None
    check_valid_until: bool | None = None
    allow_insecure: bool | None = None
    allow_weak: bool | None = None
    allow_downgrade_to_insecure: bool | None = None
    pdiffs: bool | None = None
    date_max_future: int | None = None
    inrelease_path: str | None = None
    mode: str = "0644"

    def __post_init__(self) -> None:
        if not self.name.strip() or "/" in self.name:
            raise InvalidInputError("name is one that a file can have")
        if self.state is Presence.PRESENT:
            for field in ("uris", "suites"):
                if not getattr(self, field):
                    raise InvalidInputError(f"{field} is missing")
        for kind in self.types:
            if kind not in ("deb", "deb-src"):
                raise InvalidInputError(f"types holds 'deb' and 'deb-src', not '{kind}'")

    def plan(self, host: Host) -> Plan:
        """Compare the source's file, and its key's."""
        refuse_others(host)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.name.strip()).lower()
        path = f"{FOLDER}/{name}.sources"
        keys = [f"{_KEYS}/{name}.asc", f"{_KEYS}/{name}.gpg"]
        if self.state is Presence.ABSENT:
            for each in (path, *keys):
                yield from paths.remove(host, each)
            return {"repo": None, "dest": path, "key_filename": None}
        key, content = self._key(host, name)
        if content is not None:
            yield from _held(host, key, content, "0644")
        text = self._text(key)
        yield from _held(host, path, text.encode(), self.mode)
        return {"repo": text, "dest": path, "key_filename": key if content is not None else None}

    def _key(self, host: Host, name: str) -> tuple[str, bytes | None]:
        """The key's file, and its content where we hold that file."""
        given = (self.signed_by or "").strip()
        if given.startswith(_ARMOUR):
            return f"{_KEYS}/{name}.asc", f"{given}\n".encode()
        if given.startswith(("http://", "https://")):
            answer = host.request(HttpRequest(url=given))
            if answer is None or answer.status != _GOOD:
                raise UnavailableError(f"cannot fetch the key '{given}'")
            kind = "asc" if answer.body.lstrip().startswith(_ARMOUR.encode()) else "gpg"
            return f"{_KEYS}/{name}.{kind}", answer.body
        if given.startswith("/") and host.files.stat(given) is None and not host.may_appear(given):
            raise NotFoundError(f"there is no key '{given}' on this host")
        return given, None

    def _text(self, key: str) -> str:
        fields: dict[str, Any] = {"X-Repolib-Name": self.name}
        for field in self.__dataclass_fields__:
            value = key if field == "signed_by" else getattr(self, field)
            if field not in ("name", "state", "mode") and value not in (None, (), ""):
                fields[_NAMES.get(field) or _titled(field)] = _shown(value)
        return "".join(f"{field}: {fields[field]}\n" for field in sorted(fields))


_NAMES = {"uris": "URIs", "pdiffs": "PDiffs", "inrelease_path": "InRelease-Path"}


def _titled(field: str) -> str:
    return "-".join(word.capitalize() for word in field.split("_"))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _held(host: Host, path: str, data: bytes, mode: str) -> Iterator[Change]:
    yield from paths.make_directories(host, posixpath.dirname(path), paths.KEEP)
    owners = paths.Ownership(owner=None, group=None, mode=mode)
    yield from paths.write(host, path, data, owners)
