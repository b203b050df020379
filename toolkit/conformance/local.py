"""Checks of this machine in a pytest session that somebody else runs."""

from toolkit.conformance.drivers.choice import parse
from toolkit.conformance.fixtures import Checks
from toolkit.conformance.gather import HostSession
from toolkit.ssh.link import open_local


def local_checks(runtimes: list[str]) -> Checks:
    """The plugin that checks this machine under these runtimes."""
    return Checks([HostSession("localhost", open_local)], [parse(name) for name in runtimes])
