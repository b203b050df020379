"""Programs that drive virtual machines: slow, talkative, and ended together with whoever asked."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from toolkit.core.errors import CommandError, NotFoundError, UnavailableError
from toolkit.core.process import Completed

PACKAGES = {
    "vagrant": "vagrant vagrant-libvirt",
    "virsh": "libvirt-clients",
    "ssh": "openssh-client",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How a program is run: ``env`` is added to the environment.

    ``log`` is a file that takes all it says, in place of the result. One that ``talks`` shows its
    progress on our own standard error.
    """

    env: Mapping[str, str] | None = None
    timeout: float = 60.0
    log: str = ""
    talks: bool = False
    ok: tuple[int, ...] = (0,)


USUAL = Wish()


class Programs(Protocol):
    """Runs a program to its end."""

    def run(self, argv: tuple[str, ...], wish: Wish = USUAL) -> Completed:
        """Raises ``CommandError`` for a status that is not among ``ok`` (none: all are)."""

    def has(self, name: str) -> bool:
        """Whether it is installed."""


class RealPrograms:
    """This machine's programs."""

    def has(self, name: str) -> bool:
        """Whether it is on the path."""
        return shutil.which(name) is not None

    def run(self, argv: tuple[str, ...], wish: Wish = USUAL) -> Completed:
        """Run it; it and its children end when this process does, or gives up waiting.

        ``NotFoundError`` where it is not installed, ``UnavailableError`` when time is up.
        """
        if not self.has(argv[0]):
            name = os.path.basename(argv[0])
            hint = f"install {PACKAGES.get(name, name)}"
            raise NotFoundError(f"'{name}' is not installed", hint=hint)
        output = open(wish.log, "ab") if wish.log else None  # noqa: SIM115 - closed below
        try:
            child = subprocess.Popen(
                # without setpriv, a killed gate would leave a vagrant that goes on making machines
                ("setpriv", "--pdeathsig", "KILL", *argv),
                env={**os.environ, **(wish.env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output or subprocess.PIPE,
                stderr=_stderr(wish),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
            out, err = _wait(child, argv, wish.timeout)
        finally:
            if output:
                output.close()
        if wish.ok and child.returncode not in wish.ok:
            raise CommandError(argv, child.returncode, _tail(wish.log) if wish.log else err)
        return Completed(argv=argv, status=child.returncode, stdout=out, stderr=err)


def _stderr(wish: Wish) -> int | None:
    if wish.log:
        return subprocess.STDOUT
    return None if wish.talks else subprocess.PIPE


def _wait(
    child: "subprocess.Popen[bytes]", argv: tuple[str, ...], timeout: float
) -> tuple[str, str]:
    try:
        out, err = child.communicate(timeout=timeout)
    except BaseException as error:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()  # closes the pipes too
        if isinstance(error, subprocess.TimeoutExpired):
            raise UnavailableError(f"'{' '.join(argv)}' did not end within {timeout:g} s") from None
        raise
    return (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")


def _tail(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-CommandError.SHOWN_LINES :])
