"""Builds as people run them, in a home of the test's own, on a base of busybox."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from toolkit.images.library import Library

ENTRY = (sys.executable, "-m", "toolkit.cli.entry")
BASE = """\
FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin
RUN mkdir -p /etc /tmp /srv && printf 'root:x:0:0::/:\\nweb:x:7:8::/:\\n' >/etc/passwd
FROM base
"""

Done = subprocess.CompletedProcess[str]


class Kitchen:
    """A context directory, and ``dockyard`` to build it with."""

    def __init__(self, home: Path, busybox: str) -> None:
        self.home = home
        self.data = home / "data"
        self.context = home / "context"
        self.context.mkdir()
        shutil.copy(busybox, self.context / "busybox")

    def run(self, *words: str, stdin: bytes | None = None, status: int | None = 0) -> Done:
        """Run ``dockyard``; ``status`` is what it has to end with, None for any."""
        done = subprocess.run(
            (*ENTRY, *words),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=100,
        )
        out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        assert status in (None, done.returncode), f"{done.returncode}\n{out}\n{err}"
        return Done(done.args, done.returncode, out, err)

    def file(self, name: str, content: str = "", *, mode: int = 0o644) -> Path:
        """A file of the context."""
        path = self.context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return path

    def build(self, text: str, *flags: str, status: int | None = 0, base: bool = True) -> Done:
        """Build a Dockerfile as the image ``t``, by itself on top of the base."""
        self.file("Dockerfile", (BASE if base else "") + text)
        return self.run("build", "-t", "t", *flags, str(self.context), status=status)

    def config(self, name: str = "t") -> dict[str, Any]:
        """The configuration of an image."""
        library = self.library()
        return library.config(library.find(name))

    def cat(self, script: str, *flags: str) -> str:
        """What a script prints in the image ``t``."""
        argv = ("run", "--rm", "--entrypoint", "/bin/sh", *flags, "t", "-c", script)
        return self.run(*argv).stdout

    def library(self) -> Library:
        """The store of the test's own."""
        return Library(str(self.data))

    def names(self) -> set[str]:
        """The files at the top of the image's layers."""
        chains = self.library().find("t").chains
        return {name for one in chains for name in os.listdir(self.data / "layers" / one / "diff")}
