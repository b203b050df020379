"""``wait_for``: go on when a port, a file or some seconds have come."""

import contextlib
import re
import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.facts.machine import text
from toolkit.tasks import paths
from toolkit.tasks.editing import pattern
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")  # proc_pid_net(5)
_TALKING = ("01", "02", "03", "04", "05", "08", "09")  # states of a connection that still lives


class State(StrEnum):
    """What is waited for."""

    ABSENT = "absent"
    DRAINED = "drained"
    PRESENT = "present"
    STARTED = "started"
    STOPPED = "stopped"


@task("wait_for")
@dataclass(frozen=True, kw_only=True, slots=True)
class WaitFor:
    """Wait until a port answers or a path is there, or is not; Ansible's ``wait_for``.

    ``search_regex`` has to be found in the file, or in what the port sends first. ``drained``
    waits until nobody is connected to the port. With neither port nor path it waits ``timeout``
    seconds. Check mode does not wait.
    """

    reads: ClassVar[bool] = True

    port: int | None = None
    host: str = "127.0.0.1"
    path: str | None = None
    state: State = State.STARTED
    search_regex: str | None = None
    timeout: int = 300
    delay: int = 0
    sleep: int = 1
    connect_timeout: int = 5
    msg: str | None = None

    def __post_init__(self) -> None:
        if self.port is not None and self.path is not None:
            raise InvalidInputError("port and path exclude each other")
        if self.state is State.DRAINED and self.port is None:
            raise InvalidInputError("state 'drained' needs port")
        if self.search_regex is not None and self.state in (State.ABSENT, State.STOPPED):
            raise InvalidInputError(f"search_regex makes no sense with state '{self.state}'")
        pattern("search_regex", self.search_regex or "")

    def plan(self, host: Host) -> Plan:
        """Look until it is so; nothing ever changes."""
        yield from ()
        if host.planned:
            return {"skipped": True, "msg": "nothing is waited for in check mode"}
        began = time.monotonic()
        time.sleep(self.delay)
        if self.port is None and self.path is None:
            time.sleep(self.timeout)
        else:
            self._wait(host, began + self.timeout)
        elapsed = int(time.monotonic() - began)
        told = {"state": self.state.value, "port": self.port, "path": self.path}
        return {**told, "elapsed": elapsed, "search_regex": self.search_regex}

    def _wait(self, host: Host, end: float) -> None:
        while not self._holds(host):
            if time.monotonic() >= end:
                raise UnavailableError(self.msg or self._late())
            time.sleep(min(self.sleep, max(0.0, end - time.monotonic())))

    def _late(self) -> str:
        what = self.path if self.port is None else f"{self.host}:{self.port}"
        return f"'{what}' was not {self.state} within {self.timeout} seconds"

    def _holds(self, host: Host) -> bool:
        if self.state is State.DRAINED:
            return not _connected(host, int(self.port or 0))
        found = self._in_file(host) if self.port is None else self._answers()
        return found is (self.state in (State.PRESENT, State.STARTED))

    def _in_file(self, host: Host) -> bool:
        path = paths.absolute(host, str(self.path))
        if host.files.stat(path) is None:
            return False
        if self.search_regex is None:
            return True
        return re.search(self.search_regex, paths.text_of(host, path), re.MULTILINE) is not None

    def _answers(self) -> bool:
        try:
            link = socket.create_connection((self.host, int(self.port or 0)), self.connect_timeout)
        except OSError:
            return False
        with link:
            return self.search_regex is None or self._sends(link)

    def _sends(self, link: socket.socket) -> bool:
        """Does the port send what is searched for, in the time for a connection?"""
        said = b""
        with contextlib.suppress(OSError):
            while part := link.recv(1024):
                said += part
                if re.search(str(self.search_regex), said.decode(errors="replace"), re.MULTILINE):
                    return True
        return False


def _connected(host: Any, port: int) -> bool:
    for table in _TABLES:
        for line in text(host, table).splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] in _TALKING:
                return True
    return False
