"""Run a program and keep what it said. argv is a tuple: there is no shell here."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.core.errors import CommandError, NotFoundError


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a program ended: ``status`` is its exit status, or minus the signal that ended it."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


def run(
    argv: tuple[str, ...],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cwd: str = "",
    timeout: float | None = None,
    ok: tuple[int, ...] = (0,),
) -> Completed:
    """Run ``argv`` to its end.

    Raises ``NotFoundError`` where the program does not exist and ``CommandError`` where its
    status is not among ``ok`` (an empty ``ok`` accepts all).
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            env=env,
            cwd=cwd or None,
            timeout=timeout,
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a file name may be of any encoding
        )
    except FileNotFoundError:
        raise NotFoundError(
            f"'{argv[0]}' is not installed", hint=f"install the package that brings '{argv[0]}'"
        ) from None
    if ok and done.returncode not in ok:
        raise CommandError(argv, done.returncode, done.stderr)
    return Completed(argv=argv, status=done.returncode, stdout=done.stdout, stderr=done.stderr)
