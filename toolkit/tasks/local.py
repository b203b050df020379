"""The machine that this process runs on, as a ``Host``; the agent hands it to the runner."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from toolkit.core.errors import CommandError, NotFoundError, ToolkitError, UnavailableError
from toolkit.core.process import Completed, run
from toolkit.facts.kernel import sysctl_path
from toolkit.net.links import Netlink
from toolkit.tasks import identity
from toolkit.tasks.aptitude import Apt
from toolkit.tasks.host import HttpRequest, HttpResponse
from toolkit.tasks.local_accounts import ShadowSuite
from toolkit.tasks.local_files import LocalFiles
from toolkit.tasks.local_services import Systemd

_STABLE = {"LC_ALL": "C.UTF-8"}  # what programs say is parsed, so it must not be translated


class Programs(Protocol):
    """Runs programs: ``env`` is the whole environment; ``NotFoundError`` where there is none."""

    def __call__(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str,
        env: Mapping[str, str],
        cwd: str,
        timeout: float | None,
    ) -> Completed:
        """Run ``argv`` to its end; any status is accepted."""


def no_artifacts(digest: str) -> bytes:
    """The artifacts of a play that sent none."""
    raise NotFoundError(f"no file with the digest '{digest}' came with the play")


class LocalKernel:
    """``tasks.host.Kernel`` of the running kernel; ``run`` runs programs."""

    def __init__(self, run: Callable[[tuple[str, ...]], Completed]) -> None:
        self._run = run

    def set_sysctl(self, name: str, value: str) -> None:
        """Write one parameter, named with dots or slashes."""
        path = f"/proc/sys/{sysctl_path(name)}"
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(value)
        except FileNotFoundError:
            raise NotFoundError(f"there is no kernel parameter '{name}'") from None
        except OSError as error:
            raise ToolkitError(
                f"the kernel refuses '{value}' for '{name}': {error.strerror}"
            ) from error

    def load_module(self, name: str, params: str) -> None:
        """Load a module with what it needs."""
        self._modprobe("--", name, *params.split())

    def unload_module(self, name: str) -> None:
        """Remove a module that nothing uses."""
        self._modprobe("--remove", name)

    def _modprobe(self, *words: str) -> None:
        argv = ("modprobe", *words)
        done = self._run(argv)
        if done.status != 0:
            hint = "is the package with this kernel's modules installed?"
            raise CommandError(argv, done.status, done.stderr, hint=hint)


def _run(
    argv: tuple[str, ...],
    *,
    stdin: str,
    env: Mapping[str, str],
    cwd: str,
    timeout: float | None,
) -> Completed:
    try:
        return run(argv, stdin=stdin, env=env, cwd=cwd, timeout=timeout, ok=())
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"'{' '.join(argv)}' did not end within {timeout:g} seconds"
        ) from None


class LocalHost:
    """``tasks.host.Host`` of this machine; ``artifacts`` finds a file that came with the play.

    ``programs`` runs what tasks run; the agent gives one that ends with its request.
    """

    planned = False

    def __init__(
        self,
        *,
        artifacts: Callable[[str], bytes] = no_artifacts,
        programs: Programs = _run,
    ) -> None:
        self.files = LocalFiles()
        self.net = Netlink()
        self.kernel = LocalKernel(self.run)
        self.packages = Apt(lambda argv, env: self._run(argv, env=env))
        self.services = Systemd(self.run)
        self.accounts = ShadowSuite(lambda argv, stdin: self._run(argv, stdin=stdin))
        self._artifacts = artifacts
        self._kept: dict[str, bytes] = {}
        self._environment: Mapping[str, str] = {}
        self._programs = programs

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        """Run a program that changes nothing; any status is accepted, 127 where there is none."""
        return self._run(argv, timeout=timeout)

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> Completed | None:
        """Run a program that acts; any status is accepted, 127 where there is none."""
        return self._run(argv, stdin=stdin, env=env, cwd=cwd, timeout=timeout)

    def request(self, request: HttpRequest, *, acts: bool = False) -> HttpResponse | None:
        """Ask a web server."""
        from toolkit.tasks import local_web  # noqa: PLC0415 - 20 ms that hardly any play needs

        del acts
        return local_web.request(request)

    def judge(self, argv: tuple[str, ...], data: bytes) -> Completed:
        """Run a program that only judges: ``%s`` in it stands for a passing file of ``data``."""
        import tempfile  # noqa: PLC0415 - 5 ms that hardly any play needs

        with tempfile.NamedTemporaryFile(prefix="dockyard-") as file:
            file.write(data)
            file.flush()
            return self.run(tuple(word.replace("%s", file.name) for word in argv))

    def artifact(self, digest: str) -> bytes:
        """The content of a file that came with the play."""
        return self._kept.get(digest) or self._artifacts(digest)

    def keep_artifact(self, content: bytes) -> str:
        """Keep content that came in the middle of a play; its digest."""
        import hashlib  # noqa: PLC0415 - hardly any play needs it

        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self._kept[digest] = content
        return digest

    @contextlib.contextmanager
    def acting(self, *, user: str, environment: Mapping[str, str]) -> Iterator[None]:
        """Act as this user (empty: as the agent does); programs see the variables too."""
        before = self._environment
        with identity.acting(user) as home:
            self._environment = {**home, **environment}
            try:
                yield
            finally:
                self._environment = before

    def may_appear(self, path: str) -> bool:
        """Never: what is not there is not there."""
        del path
        return False

    def _run(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> Completed:
        whole = {**os.environ, **_STABLE, **self._environment, **(env or {})}
        try:
            return self._programs(argv, stdin=stdin, env=whole, cwd=cwd, timeout=timeout)
        except NotFoundError as error:
            return Completed(argv=argv, status=127, stdout="", stderr=f"{error}\n")
