"""A user's key pair for SSH, made by ``ssh-keygen`` where there is none."""

import posixpath
from dataclasses import dataclass

from toolkit.core.errors import UnsupportedError
from toolkit.facts import accounts
from toolkit.facts.accounts import User
from toolkit.tasks import paths
from toolkit.tasks.file_changes import MakeDirectory, SetAttributes
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.registry import Plan
from toolkit.tasks.system_changes import RunCommand


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """The private key at ``path`` and the public one beside it."""

    path: str
    kind: str
    bits: int | None
    comment: str
    passphrase: str

    def make(self, host: Host, user: User) -> Plan:
        """Make both, the user's own; Ansible's ``ssh_key_file`` and ``ssh_public_key`` are told."""
        if host.files.stat(self.path) is None:
            yield from self._generate(host, user)
        public = paths.text_of(host, f"{self.path}.pub").strip()
        return {"ssh_key_file": self.path} | ({"ssh_public_key": public} if public else {})

    def _generate(self, host: Host, user: User) -> Plan:
        if host.run(("ssh-keygen", "-?")).status == 127:
            raise UnsupportedError(
                "this host has no 'ssh-keygen'", hint="install the package 'openssh-client'"
            )
        group = accounts.group(host, user.group)
        owner = Attributes(mode=0o700, uid=user.uid, gid=group.gid if group else 0)
        folder = posixpath.dirname(self.path)
        if host.files.stat(folder) is None:
            yield MakeDirectory(path=folder, attributes=owner)
        bits = ("-b", str(self.bits)) if self.bits else ()
        words = ("-q", "-t", self.kind, *bits, "-C", self.comment, "-f", self.path)
        # ssh-keygen asks twice; it reads from stdin what it would ask a terminal
        asked = f"{self.passphrase}\n{self.passphrase}\n"
        yield RunCommand(argv=("ssh-keygen", *words), stdin=asked)
        for name, mode in ((self.path, 0o600), (f"{self.path}.pub", 0o644)):
            found = host.files.stat(name)
            if found is not None:
                new = Attributes(mode=mode, uid=owner.uid, gid=owner.gid)
                yield SetAttributes(path=name, new=new, old=paths.attributes_of(found))
        return {}
