"""Is this the host that we mean? ``known_hosts`` files as sshd(8) describes them, always strict.

Names may be hashed, patterns or negated; a line of ``@revoked`` refuses its key everywhere, one of
``@cert-authority`` is passed over (no certificates here). Ours, not the SSH library's: that one
compares with the first key of a kind only, and takes no notice of markers.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toolkit.core.errors import UnavailableError

SYSTEM = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
USER = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SSH_PORT = 22


class HostKeyError(UnavailableError):
    """The host cannot prove that it is the one that was meant; nothing was sent to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A public host key: ``kind`` as in ``ssh-ed25519``, ``blob`` as on the wire."""

    kind: str
    blob: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"{self.kind} SHA256:{digest}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """One line of a ``known_hosts`` file."""

    hosts: str
    key: Key
    revoked: bool
    place: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownHosts:
    """What is known about hosts, from all files; ``add_to`` is where a new key is written."""

    known: tuple[Known, ...]
    add_to: str

    @classmethod
    def load(cls, extra: Iterable[str] = ()) -> "KnownHosts":
        """The given files, the user's and the system's; a file that is not there knows nothing."""
        files = [os.path.expanduser(path) for path in (*extra, *USER, *SYSTEM)]
        known = tuple(line for path in files for line in _lines(path))
        return cls(known=known, add_to=files[0])

    def keys(self, host: str, port: int) -> list[Known]:
        """The lines about a host; a port's own lines go before those of the bare name."""
        own = [line for line in self.known if not line.revoked and _names(line, _spell(host, port))]
        return own or [line for line in self.known if not line.revoked and _names(line, host)]

    def verify(self, host: str, port: int, key: Key, *, accept_new: bool = False) -> None:
        """Return if ``key`` is the host's; ``HostKeyError`` if it is not, or nothing is known."""
        shown = _spell(host, port)
        for line in self.known:
            if line.revoked and line.key == key:
                raise HostKeyError(f"host key of '{shown}' is revoked by '{line.place}'")
        lines = self.keys(host, port)
        if any(line.key == key for line in lines):
            return
        if lines:
            like = next((line for line in lines if line.key.kind == key.kind), lines[0])
            raise HostKeyError(
                f"host key of '{shown}' has changed: it shows {key.fingerprint}, "
                f"but '{like.place}' has {like.key.fingerprint}",
                hint="someone may stand in between; only if you know why it changed, "
                f"remove the old key: ssh-keygen -R '{shown}' -f {like.place.rsplit(':', 1)[0]}",
            )
        if not accept_new:
            raise HostKeyError(
                f"host key of '{shown}' is unknown: {key.fingerprint}",
                hint="compare it with the host's own, then: "
                f"ssh-keyscan -p {port} {host} >> {self.add_to}",
            )
        self._add(shown, key)

    def _add(self, name: str, key: Key) -> None:
        os.makedirs(os.path.dirname(self.add_to) or ".", mode=0o700, exist_ok=True)
        line = f"{name} {key.kind} {base64.b64encode(key.blob).decode()}\n"
        with open(self.add_to, "a") as file:  # one write of an appending file: threads are safe
            file.write(line)


def _spell(host: str, port: int) -> str:
    return host if port == SSH_PORT else f"[{host}]:{port}"


def _lines(path: str) -> Iterator[Known]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in ("", "@revoked"):
            continue
        try:
            blob = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        key = Key(kind=words[1], blob=blob)
        yield Known(hosts=words[0], key=key, revoked=bool(marker), place=f"{path}:{number}")


def _names(line: Known, name: str) -> bool:
    """Whether a line's first word means this name; a negated pattern wins."""
    if line.hosts.startswith("|1|"):
        return _is_hash(line.hosts, name)
    found = False
    for pattern in line.hosts.split(","):
        if _matches(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _matches(pattern: str, name: str) -> bool:
    wild = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, name.lower()) is not None


def _is_hash(hashed: str, name: str) -> bool:
    salt, _, wanted = hashed.removeprefix("|1|").partition("|")
    try:
        made = hmac.new(base64.b64decode(salt), name.lower().encode(), "sha1").digest()
        return hmac.compare_digest(made, base64.b64decode(wanted))
    except binascii.Error:
        return False
