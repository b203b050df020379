"""The machine that a play changes: the real ``tasks.Host``, with the files that came along.

Every program runs in a process group of its own, so that nothing of a request outlives it.
"""

import hashlib
import os
from collections.abc import Mapping

from toolkit.agent import children
from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.process import Completed
from toolkit.tasks.aptitude import Apt
from toolkit.tasks.local import LocalHost, no_artifacts
from toolkit.tasks.local_services import Systemd

_STABLE = {"LC_ALL": "C.UTF-8"}  # what programs say is parsed, so it must not be translated


class AgentHost(LocalHost):
    """This machine; ``files`` are the contents that a request brought, by ``sha256:…``."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(artifacts=self._find)
        self._brought = files
        self.packages = Apt(lambda argv, env: _run(argv, env=env))
        self.services = Systemd(_run)

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

    def _find(self, digest: str) -> bytes:
        content = self._brought.get(digest)
        if content is None:
            return no_artifacts(digest)
        if hashlib.sha256(content).hexdigest() != digest.removeprefix("sha256:"):
            raise ConflictError(f"the file '{digest}' that came with the play is another one")
        return content


def _run(
    argv: tuple[str, ...],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run ``argv`` to its end; status 127 stands for a program that is not installed."""
    whole = {**os.environ, **_STABLE, **(env or {})}
    try:
        done = children.run(argv, stdin=stdin.encode(), env=whole, timeout=timeout)
    except NotFoundError as error:
        return Completed(argv=argv, status=127, stdout="", stderr=f"{error}\n")
    return Completed(
        argv=argv,
        status=done.status,
        stdout=done.stdout.decode(errors="replace"),
        stderr=done.stderr.decode(errors="replace"),
    )
