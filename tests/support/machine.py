"""A booted virtual machine and how tests reach it: OpenSSH for users, a link for its agent."""

import shlex
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from toolkit.fleet.boxes import Boxes, Fleet
from toolkit.ssh.bundle import LIBRARIES
from toolkit.ssh.link import StreamLink, open_ssh
from toolkit.ssh.target import Target

PURE = ("click", "rich", "pygments", "markdown_it", "mdurl")
"""What the command line imports beside what an agent needs."""
HOME = "/opt/dockyard"
SECONDS = 900.0
"""For one command, a whole playbook or a boot: code runs about 13 times slower in emulation, on a
machine that may be busy. Only what hangs takes so long."""


class Machine:
    """One machine. Commands are run as its user ``vagrant``, or by sudo as root."""

    def __init__(self, boxes: Boxes, fleet: Fleet) -> None:
        self._boxes, self._fleet = boxes, fleet
        self._login = fleet.logins[0]
        self._link: StreamLink | None = None
        self.inventory = fleet.inventory

    @property
    def link(self) -> StreamLink:
        """The agent of this installation, as root."""
        if self._link is None:
            self._link = open_ssh(
                Target(
                    host=self._login.name,
                    address=self._login.address,
                    port=self._login.port,
                    user=self._login.user,
                    key_files=(self._login.key_file,),
                    known_hosts=(self._fleet.known_hosts,),
                    become="root",
                    connect_timeout=120.0,
                )
            )
        return self._link

    def ssh(
        self, *argv: str, status: int | None = 0, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program as the ordinary user; it has to end with ``status``, ``None`` for any."""
        command = ("ssh", "-F", self._fleet.ssh_config, self._login.name, shlex.join(argv))
        raw = subprocess.run(
            command, check=False, input=stdin, capture_output=True, timeout=SECONDS
        )
        done = subprocess.CompletedProcess(
            argv, raw.returncode, raw.stdout.decode(), raw.stderr.decode()
        )
        if status is not None:
            assert done.returncode == status, (
                f"{argv}: {done.returncode} {done.stdout}{done.stderr}"
            )
        return done

    def root(self, *argv: str, status: int | None = 0) -> "subprocess.CompletedProcess[str]":
        """Run a program as root."""
        return self.ssh("sudo", *argv, status=status)

    def read(self, path: str) -> str:
        """A file's text."""
        return self.root("cat", path).stdout

    def container(self, *command: str, **config: Any) -> dict[str, Any]:
        """Run a container of the machine's own ``/usr`` to its end: ``status stdout stderr``."""
        params = {"config": {"image": "host", "command": list(command), **config}}
        result: dict[str, Any] = self.link.call("container.run", params).result
        return result

    def apply(self, playbook: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        """``dockyard apply`` from here, over SSH."""
        argv = (sys.executable, "-P", "-m", "toolkit.cli.entry", "apply", str(playbook))
        done = subprocess.run(
            (*argv, "-i", self.inventory, *words),
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def install(self) -> None:
        """Put this installation's code there, as ``dockyard`` on the path."""
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
            for name, path in _code():
                tar.add(path, arcname=name)
        self.ssh("sudo", "mkdir", "-p", HOME)
        self.ssh("sudo", "tar", "-xz", "--no-same-owner", "-C", HOME, stdin=packed.getvalue())
        script = f'#!/bin/sh\nPYTHONPATH={HOME} exec python3 -P -m toolkit.cli.entry "$@"\n'
        place = "cat > /usr/local/bin/dockyard && chmod 755 /usr/local/bin/dockyard"
        self.ssh("sudo", "sh", "-c", place, stdin=script.encode())

    def reboot(self) -> None:
        """Boot it again, for real, and wait until it can be logged in to."""
        before = self.read("/proc/sys/kernel/random/boot_id")
        self.close()
        self.root("systemctl", "reboot", status=None)
        deadline = time.monotonic() + SECONDS
        while True:
            done = self.ssh("cat", "/proc/sys/kernel/random/boot_id", status=None)
            if done.returncode == 0 and done.stdout != before:
                break
            assert time.monotonic() < deadline, f"it did not come back: {done.stderr}"
            time.sleep(1)
        self.root("systemctl", "is-system-running", "--wait", status=None)

    def revert(self) -> None:
        """Put it back to the moment before anything was done to it."""
        self.close()
        self._boxes.revert(self._fleet)

    def close(self) -> None:
        """End the agent."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _code() -> Iterator[tuple[str, Path]]:
    """Name and place of what an installation consists of, but for what is compiled."""
    for name in ("toolkit", *LIBRARIES, *PURE):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name != "__init__.py":
            yield origin.name, origin
            continue
        for path in origin.parent.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so":
                yield f"{name}/{path.relative_to(origin.parent)}", path
