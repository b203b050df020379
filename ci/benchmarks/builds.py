"""Builds of a Dockerfile of ten steps, cold and cached, against buildah."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, in_turn, timed
from benchmarks.peers import ensure

_RUNS = 5
_FILES = 200
_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin
WORKDIR /srv
COPY files /srv/files
RUN mkdir out && cat files/* >out/all
RUN seq 1000 >out/numbers
RUN sort -r out/numbers >out/sorted
LABEL made=here
CMD ["sh"]
"""


def build_rows(folder: Path) -> Iterator[Row]:
    """``build buildah`` and ``cached build buildah``; neither side's commands have a network."""
    ensure("buildah", "runc", "busybox-static")
    context = _context(folder / "context")
    ours = _Builder(_ours(folder / "ours"), context, folder)
    peer = _Builder(_buildah(folder / "buildah"), context, folder)
    for name, flag in (("build buildah", "--no-cache"), ("cached build buildah", "")):
        yield in_turn(
            name,
            goal=0.5,
            ours=lambda flag=flag: ours.seconds(flag),  # type: ignore[misc] # flag is a text
            peer=lambda flag=flag: peer.seconds(flag),  # type: ignore[misc] # as above
            runs=_RUNS,
        )


def _context(folder: Path) -> Path:
    (folder / "files").mkdir(parents=True)
    for number in range(_FILES):
        (folder / "files" / f"f{number}").write_text(f"{number}\n" * 500)
    shutil.copy("/bin/busybox", folder / "busybox")
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    return folder


def _ours(folder: Path) -> list[str]:
    places = (f"DOCKYARD_DATA_ROOT={folder / 'data'}", f"DOCKYARD_ROOT={folder / 'run'}")
    dockyard = str(Path(sys.executable).with_name("dockyard"))
    return ["env", *places, "DOCKYARD_CGROUP_PARENT=dockyard-bench", dockyard, "build", "-q"]


def _buildah(folder: Path) -> list[str]:
    places = [f"--root={folder / 'root'}", f"--runroot={folder / 'run'}"]
    return ["buildah", *places, "--storage-driver=overlay", "bud", "-q", "--layers"]


class _Builder:
    """One side: its command, and what both are told."""

    def __init__(self, argv: list[str], context: Path, folder: Path) -> None:
        conf = folder / "containers.conf"
        conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]\n')
        self._env = {**os.environ, "CONTAINERS_CONF": str(conf), "BUILDAH_RUNTIME": "runc"}
        self._argv = argv
        self._rest = ["--network=none", "-t", "bench", str(context)]

    def seconds(self, flag: str) -> float:
        """How long one build takes."""
        argv = [*self._argv, *([flag] if flag else []), *self._rest]
        return timed(lambda: self._build(argv))

    def _build(self, argv: list[str]) -> None:
        done = subprocess.run(argv, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr[-1000:]}")
