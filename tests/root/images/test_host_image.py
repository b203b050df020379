"""Programs of this machine run from the ``host`` image."""

import subprocess
from pathlib import Path

import pytest

from toolkit.images.store import ImageStore

pytestmark = pytest.mark.root


def run(store: ImageStore, folder: Path, *argv: str) -> str:
    """What ``argv`` says in a root made of the image, as a runtime would put it together."""
    image = store.resolve("host")
    root = folder / "root"
    root.mkdir(exist_ok=True)
    lines = [f"mount --rbind {image.lower[0]} {root}"]
    for source, target in image.binds:
        lines += [f"mount --rbind {source} {root}{target}"]
    lines += [f"mount -t proc proc {root}/proc", f'exec chroot {root} "$@"']
    done = subprocess.run(
        ("unshare", "-mpf", "sh", "-ec", "\n".join(lines), "sh", *argv),
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    return done.stdout.strip()


def test_runs_a_shell(store: ImageStore, tmp_path: Path) -> None:
    assert run(store, tmp_path, "/bin/sh", "-c", "echo $((6 * 7)); ls -d /tmp") == "42\n/tmp"


def test_runs_python_with_its_libraries(store: ImageStore, tmp_path: Path) -> None:
    code = "import ssl, json, pwd; print(pwd.getpwuid(0).pw_name)"

    assert run(store, tmp_path, "/usr/bin/python3", "-c", code) == "root"


def test_finds_programs_through_alternatives(store: ImageStore, tmp_path: Path) -> None:
    found = run(store, tmp_path, "/bin/sh", "-c", "readlink -f /usr/bin/awk; awk 'BEGIN{print 5}'")

    assert found.splitlines()[-1] == "5"


def test_knows_the_names_of_users(store: ImageStore, tmp_path: Path) -> None:
    assert run(store, tmp_path, "id", "-un") == "root"
    assert run(store, tmp_path, "/bin/sh", "-c", "ls -ld /root | cut -c1-10") == "drwx------"


def test_holds_no_secret(store: ImageStore, tmp_path: Path) -> None:
    found = run(store, tmp_path, "/bin/sh", "-c", "ls /etc /etc/ssl")

    for name in ("shadow", "gshadow", "machine-id", "ssh", "private"):
        assert name not in found.split()
