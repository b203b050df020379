"""Two real hosts with sshd, and links to them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.sshd_hosts import SshdHosts, SshHost, sshd_hosts
from toolkit.ssh.link import StreamLink, open_ssh
from toolkit.ssh.target import Target

__all__ = ["sshd_hosts"]

Open = Callable[..., StreamLink]


@pytest.fixture
def host(sshd_hosts: SshdHosts) -> SshHost:
    """The host that most tests log in to."""
    return sshd_hosts.hosts[0]


@pytest.fixture
def link_to(sshd_hosts: SshdHosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """``link_to(host, **fields of its Target)`` logs in; everything is closed afterwards."""
    monkeypatch.setenv("HOME", str(sshd_hosts.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    made: list[StreamLink] = []

    def open_one(host: SshHost, **fields: Any) -> StreamLink:
        where = replace(Target(host=host.name, address=host.address, user="root"), **fields)
        link = sshd_hosts.inside(lambda: open_ssh(where))
        made.append(link)
        return link

    yield open_one
    for link in made:
        link.close()
