"""The machine that a play changes: the real ``tasks.Host``, with the files that came along.

Every program runs in a process group of its own, so that nothing of a request outlives it.
"""

import hashlib
from collections.abc import Mapping

from toolkit.agent import children
from toolkit.core.errors import ConflictError
from toolkit.core.process import Completed
from toolkit.tasks.local import LocalHost, no_artifacts


class AgentHost(LocalHost):
    """This machine; ``files`` are the contents that a request brought, by ``sha256:…``."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(artifacts=self._find, programs=_run)
        self._brought = files

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
    stdin: str,
    env: Mapping[str, str],
    cwd: str,
    timeout: float | None,
) -> Completed:
    done = children.run(argv, stdin=stdin.encode(), env=env, cwd=cwd or None, timeout=timeout)
    return Completed(
        argv=argv,
        status=done.status,
        stdout=done.stdout.decode(errors="replace"),
        stderr=done.stderr.decode(errors="replace"),
    )
