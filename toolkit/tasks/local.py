"""The machine that this process runs on, as a ``Host``; the agent hands it to the runner."""

import os
import subprocess
from collections.abc import Callable, Mapping

from toolkit.core.errors import CommandError, NotFoundError, ToolkitError, UnavailableError
from toolkit.core.process import Completed, run
from toolkit.facts.kernel import sysctl_path
from toolkit.net.links import Netlink
from toolkit.tasks.aptitude import Apt
from toolkit.tasks.local_files import LocalFiles
from toolkit.tasks.local_services import Systemd

_STABLE = {"LC_ALL": "C.UTF-8"}  # what programs say is parsed, so it must not be translated


def no_artifacts(digest: str) -> bytes:
    """The artifacts of a play that sent none."""
    raise NotFoundError(f"no file with the digest '{digest}' came with the play")


class LocalKernel:
    """``tasks.host.Kernel`` of the running kernel."""

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
        _modprobe(name, *params.split())

    def unload_module(self, name: str) -> None:
        """Remove a module that nothing uses."""
        _modprobe("--remove", name)


class LocalHost:
    """``tasks.host.Host`` of this machine; ``artifacts`` finds a file that came with the play."""

    def __init__(self, *, artifacts: Callable[[str], bytes] = no_artifacts) -> None:
        self.files = LocalFiles()
        self.net = Netlink()
        self.kernel = LocalKernel()
        self.packages = Apt(lambda argv, env: _run(argv, env=env))
        self.services = Systemd(_run)
        self._artifacts = artifacts

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        """Run a program that changes nothing; any status is accepted."""
        return _run(argv, timeout=timeout)

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed | None:
        """Run a program that acts; any status is accepted."""
        return _run(argv, stdin=stdin, env=env, timeout=timeout)

    def judge(self, argv: tuple[str, ...], data: bytes) -> Completed:
        """Run a program that only judges: ``%s`` in it stands for a passing file of ``data``."""
        import tempfile  # noqa: PLC0415 - 5 ms that hardly any play needs

        with tempfile.NamedTemporaryFile(prefix="dockyard-") as file:
            file.write(data)
            file.flush()
            return self.run(tuple(word.replace("%s", file.name) for word in argv))

    def artifact(self, digest: str) -> bytes:
        """The content of a file that came with the play."""
        return self._artifacts(digest)

    def may_appear(self, path: str) -> bool:
        """Never: what is not there is not there."""
        del path
        return False


def _run(
    argv: tuple[str, ...],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run ``argv`` to its end; status 127 stands for a program that is not installed."""
    try:
        return run(
            argv, stdin=stdin, env={**os.environ, **_STABLE, **(env or {})}, timeout=timeout, ok=()
        )
    except NotFoundError as error:
        return Completed(argv=argv, status=127, stdout="", stderr=f"{error}\n")
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"'{' '.join(argv)}' did not end within {timeout:g} seconds"
        ) from None


def _modprobe(*words: str) -> None:
    argv = ("modprobe", "--", *words) if words[0] != "--remove" else ("modprobe", *words)
    done = _run(argv)
    if done.status != 0:
        hint = "is the package with this kernel's modules installed?"
        raise CommandError(argv, done.status, done.stderr, hint=hint)
