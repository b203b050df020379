"""A server of Docker's API in a network of its own, and the real ``docker`` command against it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_PATIENCE = 120  # seconds: a machine may be busy


class Server:
    """``dockyard engine serve`` on a socket below ``run``; it can be killed and started again.

    Each one of a ``Server`` stands in the same network namespace, which ``nsenter`` joins; with
    ``outside`` in the test's own, for registries that it has there.
    """

    def __init__(self, home: Path, run: Path, *flags: str, outside: bool = False) -> None:
        self.home = home
        self.socket = run / "engine.sock"
        self._flags = flags
        self._env = {**os.environ, "DOCKYARD_ROOT": str(run)}
        self._network = None if outside else _network()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """As ``DOCKER_HOST`` names it."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        dockyard = str(Path(sys.executable).with_name("dockyard"))
        inside = ["nsenter", "-n", "-t", str(self._network.pid)] if self._network else []
        argv = [*inside, dockyard, "engine", "serve", *self._flags]
        self.process = subprocess.Popen(argv, env=self._env)
        deadline = time.monotonic() + _PATIENCE
        while not self.socket.exists():
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a fault would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(_PATIENCE)

    def close(self) -> None:
        """End it in order, and its network."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(_PATIENCE)
        if self._network is not None:
            self._network.kill()
            self._network.communicate()


def _network() -> "subprocess.Popen[bytes]":
    """A process in a network namespace of its own."""
    script = "ip link set lo up; echo; exec sleep infinity"
    found = subprocess.Popen(["unshare", "-n", "sh", "-c", script], stdout=subprocess.PIPE)
    assert found.stdout is not None
    found.stdout.readline()
    return found


class Docker:
    """Runs ``docker`` against a server."""

    def __init__(self, program: str, server: Server) -> None:
        self.program = program
        self.server = server
        self.env = {
            **os.environ,
            "DOCKER_HOST": server.url,
            "DOCKER_CONFIG": str(server.home / "docker-config"),
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CLI_HINTS": "false",
        }

    def __call__(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """What it did, whatever that is."""
        return subprocess.run(
            [self.program, *words],
            env=self.env,
            input=text,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def said(self, *words: str, text: str = "") -> str:
        """What it printed, and that it went well."""
        done = self(*words, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *words: str) -> str:
        """What it complained of, and that it failed."""
        done = self(*words)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """The command itself, to talk with."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [self.program, *words], env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )


@contextmanager
def serving(
    home: Path, require: Callable[[str], str], *flags: str, outside: bool = False
) -> Iterator[Docker]:
    """A server, whose containers are gone afterwards."""
    program = require("docker")
    for tool in ("unshare", "nsenter", "ip"):
        require(tool)
    with TemporaryDirectory(prefix="dockyard-test-") as folder:
        run = Path(folder)
        run.chmod(0o711)  # name servers run as nobody, whom a test's own folder lets not through
        server = Server(home, run, *flags, outside=outside)
        docker = Docker(program, server)
        try:
            yield docker
            left = docker("ps", "-aq").stdout.split()
            if left:
                docker("rm", "-f", *left)
        finally:
            server.close()
