"""The scripts in ``vagrant/`` that need no machine."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.core.files import shipped

FOLDER = Path(shipped("vagrant"))
BOOT = Path("/proc/sys/kernel/random/boot_id")


def script(name: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    argv = (str(FOLDER / name), *words)
    environment = {**os.environ, **env}
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--colour",), "unknown argument"),
        (("--role", "web"), "there are fresh, docker and podman"),
    ],
)
def test_a_box_that_cannot_be_meant(words: tuple[str, ...], said: str) -> None:
    done = script("box", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_the_driver_that_booted_is_remembered_until_the_next_boot(tmp_path: Path) -> None:
    kept = tmp_path / "dockyard/driver"
    kept.parent.mkdir()
    expected = "kvm\n" if os.access("/dev/kvm", os.W_OK) else "qemu\n"
    kept.write_text(f"{BOOT.read_text().strip()} kvm\n")
    assert script("driver", XDG_CACHE_HOME=str(tmp_path)).stdout == expected
    kept.write_text("an-earlier-boot kvm\n")
    none = str(tmp_path / "no kernel")
    done = script("driver", none, XDG_CACHE_HOME=str(tmp_path))
    assert done.stdout == ("" if expected == "kvm\n" else expected)


def test_packages_become_a_repository(tmp_path: Path, require: Callable[[str], str]) -> None:
    require("dpkg-deb")
    control = tmp_path / "tree/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: tiny\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\n"
        "Description: Nothing\n"
    )
    pool = tmp_path / "pool"
    pool.mkdir()
    for number in ("1", "2"):
        file = str(pool / f"tiny_{number}_all.deb")
        subprocess.run(("dpkg-deb", "-b", str(tmp_path / "tree"), file), check=True)
    entries = script("packages-index", str(pool)).stdout.strip().split("\n\n")
    assert len(entries) == 2
    for number, entry in zip(("1", "2"), entries, strict=True):
        fields = dict(line.split(": ", 1) for line in entry.splitlines())
        file_ = pool / f"tiny_{number}_all.deb"
        assert fields["Package"] == "tiny"
        assert fields["Filename"] == f"./{file_.name}"
        assert fields["Size"] == str(file_.stat().st_size)
        assert len(fields["SHA256"]) == 64


def test_the_emulator_gets_threads_and_a_small_buffer(tmp_path: Path) -> None:
    """With a stand-in for qemu that prints its words, one a line."""
    wrapper = tmp_path / "emulator"
    text = (FOLDER / "emulator").read_text()
    wrapper.write_text(text.replace("/usr/bin/qemu-system-x86_64", "printf '%s\\n'"))
    argv = ("sh", str(wrapper), "-machine", "pc,usb=off", "-accel", "tcg", "-name", "two words")
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    words = done.stdout.splitlines()
    assert words[3] == "tcg,thread=multi,tb-size=128"
    assert words[:3] + words[4:] == ["-machine", "pc,usb=off", "-accel", "-name", "two words"]


def test_the_same_files_make_the_same_disk_whenever_they_were_changed(
    tmp_path: Path, require: Callable[[str], str]
) -> None:
    mke2fs = require("mke2fs")
    tree, images = tmp_path / "tree", (tmp_path / "one", tmp_path / "two")
    tree.mkdir()
    for image in images:
        (tree / "file").write_text("the same")
        os.utime(tree / "file", (time.time(), 1_600_000_000))
        os.utime(tree, (time.time(), 1_600_000_000))
        uuid = "00000000-0000-0000-0000-000000000001"
        options = ("-t", "ext4", "-O", "^has_journal,^metadata_csum", "-U", uuid)
        more = ("-E", f"hash_seed={uuid}", "-d", str(tree), str(image), "8M")
        environment = {**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000"}
        subprocess.run((mke2fs, "-q", *options, *more), check=True, env=environment)
        time.sleep(1.1)  # ext4 keeps a time's seconds apart from the rest
    assert images[0].read_bytes() != images[1].read_bytes()
    for image in images:
        script("inode-times", str(image), "1700000000")
    assert images[0].read_bytes() == images[1].read_bytes()
    check = (require("e2fsck"), "-fn", str(images[0]))
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0
