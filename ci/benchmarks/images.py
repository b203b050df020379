"""Images: a pull from a registry on this machine, and lists that grow, against podman."""

import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

from benchmarks import builds
from benchmarks.measure import Row, in_turn, timed
from benchmarks.peers import ensure
from toolkit.images.library import Library

FILES, LAYERS = 20_000, 4
_CONFIG = {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]}}
_RUNS = 3
_SAMPLE = 0.01


def rows(folder: Path) -> Iterator[Row]:
    """Pulls, lists and builds."""
    yield from pulls(folder)
    yield from lists(folder)
    yield from builds.build_rows(folder)


def pulls(folder: Path) -> Iterator[Row]:
    """``pull podman`` and its memory: 300 MB and 20,000 files, from an empty store each time."""
    ensure("docker-registry", "podman", "skopeo")
    with registry(folder / "registry") as host:
        name = f"{host}/bench:1"
        push_large(folder / "source", name)
        ours = Ours(folder / "ours")
        peer = Podman(folder / "podman")
        seconds = {"ours": list[float](), "peer": list[float]()}
        memory = {"ours": list[float](), "peer": list[float]()}
        for turn in range(_RUNS + 1):
            for who, tool in (("ours", ours), ("peer", peer)):
                tool.clear()
                used, peak = watched(tool.pull(name))
                if turn:
                    seconds[who].append(used)
                    memory[who].append(peak / 1e6)
        yield _row("pull podman", seconds, goal=1.0, unit="s")
        yield _row("pull memory podman", memory, goal=1.5, unit="MB")


def lists(folder: Path) -> Iterator[Row]:
    """``images 1000``: the list of 1,000 images against that of 10, both ours."""
    many, few = folder / "many", folder / "few"
    for where, count in ((many, 1000), (few, 10)):
        library = Library(str(where))
        layer = library.write_layer([_tar({"hello": b"hello"})])
        with library.busy():
            for number in range(count):
                config = {**_CONFIG, "author": str(number)}
                library.commit_image(config, [layer], [f"team/app{number}:1"])
    argv = [*_dockyard(), "images", "--data-root"]
    yield in_turn(
        "images 1000",
        goal=2.0,
        ours=lambda: timed(lambda: _quiet([*argv, str(many)])),
        peer=lambda: timed(lambda: _quiet([*argv, str(few)])),
    )


class Ours:
    """``dockyard pull`` into a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._root = ["--data-root", str(folder)]

    def clear(self) -> None:
        """Forget all images."""
        _quiet([*_dockyard(), "image", "prune", "-af", *self._root])

    def pull(self, name: str) -> list[str]:
        """The command."""
        return [*_dockyard(), "pull", "-q", *self._root, name]


class Podman:
    """``podman pull`` into a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._argv = [
            *("podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")),
            *("--storage-driver", "overlay", "--cgroup-manager", "cgroupfs"),
        ]

    def clear(self) -> None:
        """Forget all images."""
        _quiet([*self._argv, "rmi", "-af"])

    def pull(self, name: str) -> list[str]:
        """The command."""
        return [*self._argv, "pull", "-q", "--tls-verify=false", name]


def _dockyard() -> list[str]:
    return [str(Path(sys.executable).with_name("dockyard"))]


def _quiet(argv: list[str]) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _row(name: str, values: dict[str, list[float]], *, goal: float, unit: str) -> Row:
    ours, peer = (statistics.median(values[who]) for who in ("ours", "peer"))
    ratio = ours / peer
    return Row(name=name, ours=ours, peer=peer, ratio=ratio, goal=goal, unit=unit, runs=_RUNS)


def watched(argv: list[str]) -> tuple[float, float]:
    """Seconds that a command takes, and the most bytes that it and its children hold at once."""
    begin = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        _, said = process.communicate()
        seconds = time.perf_counter() - begin
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {said.decode()[-500:]}")
    return seconds, peak[0]


def _watch(process: "subprocess.Popen[bytes]", peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], _held(process.pid))
        time.sleep(_SAMPLE)


def _held(pid: int) -> int:
    """Resident bytes of a process and of all below it."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_held(int(child)) for child in children)


def push_large(folder: Path, name: str) -> None:
    """An image like a distribution's: many small files and some large, text and what is none."""
    from toolkit.images.registry.client import Access  # noqa: PLC0415 - only here
    from toolkit.images.registry.credentials import Credentials  # noqa: PLC0415 - only here
    from toolkit.images.registry.endpoints import Registries  # noqa: PLC0415 - only here
    from toolkit.images.registry.push import push  # noqa: PLC0415 - only here
    from toolkit.oci.reference import parse_reference  # noqa: PLC0415 - only here

    library = Library(str(folder))
    dice = random.Random(1)
    words = [dice.randbytes(dice.randrange(2, 8)).hex().encode() for _ in range(5000)]
    layers = []
    for layer in range(LAYERS):
        files = {}
        for number in range(FILES // LAYERS):
            size = min(int(dice.paretovariate(1.2) * 3500), 500_000)
            text = b" ".join(dice.choices(words, k=size // 11 + 1))
            content = dice.randbytes(size) if number % 3 == 0 else text[:size]
            files[f"usr/l{layer}/d{number % 200:03}/f{number}"] = content
        layers.append(library.write_layer([_tar(files)]))
    library.commit_image(_CONFIG, layers, [name])
    access = Access.of(Registries(), Credentials(str(folder / "config.json")))
    push(library, parse_reference(name), access)


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Debian's registry on loopback; its host and port."""
    folder.mkdir(parents=True)
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    argv = ["docker-registry", "serve", str(folder / "config.yml")]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _await(lambda: socket().connect_ex(("127.0.0.1", port)) == 0)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def _await(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError("docker-registry does not answer")
        time.sleep(0.05)
