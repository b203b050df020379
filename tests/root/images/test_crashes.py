"""Killed processes, full disks, and many at once."""

import gzip
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support.images import Layout, tar_of
from toolkit.images.store import ImageStore

pytestmark = pytest.mark.root

FEW = tar_of(*((f"d{number}/f", bytes(100_000)) for number in range(20)))
MANY = tar_of(*((f"d{number % 50}/f{number}", b"x" * 50) for number in range(3_000)))
RESOLVE = (
    "import sys; from toolkit.images.store import ImageStore;"
    "from toolkit.core.errors import ToolkitError\n"
    "try: print(*ImageStore(sys.argv[1]).resolve(sys.argv[2]).lower)\n"
    "except ToolkitError as error: print(error.message, '|', error.hint); sys.exit(1)"
)


def resolving(store: ImageStore, layout: Layout, *prefix: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*prefix, sys.executable, "-c", RESOLVE, store.data_root, str(layout.path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def parts(store: ImageStore) -> list[Path]:
    return list(Path(store.data_root).glob("layers/.parts/*"))


def layers(store: ImageStore) -> list[Path]:
    return [p for p in Path(store.data_root).glob("layers/*") if p.name != ".parts"]


def wait_for_files(store: ImageStore, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not any(list(path.glob("diff/d*")) for path in parts(store)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_command_leaves_only_what_the_next_one_removes(
    store: ImageStore, layout: Layout, number: signal.Signals
) -> None:
    layout.image(MANY)
    process = resolving(store, layout)
    wait_for_files(store, process)
    process.send_signal(number)
    said, _ = process.communicate()

    assert number == signal.SIGINT or said == ""
    assert layers(store) == []
    small = Layout(layout.path.parent / "small")
    small.image(FEW)
    for _ in range(100):  # the child of a killed command needs a moment to notice
        store.resolve(str(small.path))
        if not parts(store):
            break
        time.sleep(0.05)

    assert parts(store) == []
    assert len(layers(store)) == 1
    assert len(os.listdir(store.resolve(str(layout.path)).lower[0])) == 50


def test_two_commands_unpack_a_layer_once(store: ImageStore, layout: Layout) -> None:
    layout.image(FEW, MANY)
    processes = [resolving(store, layout) for _ in range(3)]

    said = {process.communicate()[0] for process in processes}

    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert len(said) == 1
    assert len(layers(store)) == 2
    assert parts(store) == []


def test_a_full_disk_is_said_and_leaves_nothing(layout: Layout, tmp_path: Path) -> None:
    layout.image(tar_of(("small", b"x")), FEW)
    data = tmp_path / "small-disk"
    data.mkdir()
    script = textwrap.dedent(f"""
        mount -t tmpfs -o size=1m tmpfs {data}
        {sys.executable} -c "$0" {data} {layout.path} && exit 9
        find {data} -type f -not -path '*/layers/*/layer.json' -not -name small
        ls {data}/layers/.parts
    """)

    run = subprocess.run(
        ("unshare", "-m", "sh", "-c", script, RESOLVE), capture_output=True, text=True, check=True
    )

    (line,) = run.stdout.splitlines()
    assert line.startswith(f"no space left for images below '{data}': No space left on device")
    assert line.endswith("| free some space, or choose another data root")


def test_a_full_disk_at_a_compressed_archive_leaves_nothing(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(gzip.compress(tar_of(("x", bytes(4 << 20)))))
    data = tmp_path / "small-disk"
    data.mkdir()
    script = textwrap.dedent(f"""
        mount -t tmpfs -o size=1m tmpfs {data}
        {sys.executable} -c "$0" {data} {archive} && exit 9
        ls -A {data}
        df --output=iused {data} | tail -1
    """)

    run = subprocess.run(
        ("unshare", "-m", "sh", "-c", script, RESOLVE), capture_output=True, text=True, check=True
    )

    said, used = run.stdout.splitlines()
    assert said.startswith("no space left for images below")
    assert used.strip() == "1"


def test_a_read_only_disk_is_said(layout: Layout, tmp_path: Path) -> None:
    layout.image(FEW)
    data = tmp_path / "read-only"
    data.mkdir()
    script = textwrap.dedent(f"""
        mount -t tmpfs -o ro tmpfs {data}
        {sys.executable} -c "$0" {data} {layout.path} && exit 9
        exit 0
    """)

    run = subprocess.run(
        ("unshare", "-m", "sh", "-c", script, RESOLVE), capture_output=True, text=True, check=True
    )

    assert run.stdout.startswith("the image cannot be made ready: Read-only file system")


def test_no_process_stays(store: ImageStore, layout: Layout) -> None:
    layout.image(FEW)
    before = children()

    store.resolve(str(layout.path))

    assert children() == before


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()
