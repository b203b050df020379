"""Containers from images, honest ones and others, made by hand around busybox."""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.images import Layout, device, directory, docker_archive, entry, link, tar_of

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]
PASSWD = b"""root:x:0:0::/root:/bin/sh
web:x:1000:1001::/home/web:/bin/sh
2147483648:x:0:0::/root:/bin/sh
99999999999:x:0:0::/root:/bin/sh
"""
GROUP = b"""root:x:0:
web:x:1001:
log:x:4:web
video:x:44:web,other
disk:x:6:root
"""


@pytest.fixture(scope="module")
def base(require: Callable[[str], str]) -> bytes:
    """A layer with busybox, accounts and a few directories."""
    busybox = Path(require("busybox")).read_bytes()
    programs = ("sh", "id", "cat", "pwd", "env", "ls", "echo", "touch", "readlink", "true")
    return tar_of(
        *(directory(name) for name in ("bin", "etc", "proc", "dev", "sys", "tmp", "srv")),
        (entry("bin/busybox", mode=0o755), busybox),
        *(link(f"bin/{name}", "busybox") for name in programs),
        ("etc/passwd", PASSWD),
        ("etc/group", GROUP),
    )


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., str]:
    """``image(layer, Cmd=[...])`` writes a layout; its path."""

    def write(*layers: bytes, **config: object) -> str:
        path = tmp_path / "image"
        Layout(path).image(*layers, **config)  # type: ignore[arg-type] # keywords of the config
        return str(path)

    return write


def test_what_the_image_says(base: bytes, image: Callable[..., str], dockyard: Dockyard) -> None:
    path = image(
        base,
        Entrypoint=["sh", "-c"],
        Cmd=["id -u; pwd; echo $A-$B-$HOME"],
        Env=["A=1", "B=2", "broken", "*"],
        User="web",
        WorkingDir="/srv",
    )
    assert dockyard("run", "--rm", path).stdout.split() == ["1000", "/srv", "1-2-/home/web"]
    asked = dockyard("run", "--rm", "-u", "0", "-w", "/etc", "-e", "B=3", path, "pwd; echo $A-$B")
    assert asked.stdout.split() == ["/etc", "1-3"]
    other = dockyard("run", "--rm", "--entrypoint", "echo", path, "hi")
    assert other.stdout == "hi\n"


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("web", "1000 1001 4 44 1001"),
        ("1000", "1000 1001 4 44 1001"),
        ("web:video", "1000 44 44"),
        ("1234", "1234 0 0"),
        ("1234:5", "1234 5 5"),
        ("root", "0 0 0 6"),
    ],
)
def test_groups_are_the_images_and_only_those(
    base: bytes, image: Callable[..., str], dockyard: Dockyard, user: str, ids: str
) -> None:
    path = image(base)
    done = dockyard("run", "--rm", "-u", user, path, "sh", "-c", "id -u; id -g; id -G")
    uid, gid, *groups = done.stdout.split()
    wanted = ids.split()
    assert [uid, gid] == wanted[:2]
    assert sorted(groups) == sorted(wanted[2:])


@pytest.mark.parametrize("user", ["2147483648", "4294967295", "4294967296", "99999999999", "nemo"])
def test_a_number_is_never_root_by_accident(
    base: bytes, image: Callable[..., str], dockyard: Dockyard, user: str
) -> None:
    path = image(base, User=user)
    for flags in ((), ("-u", user)):
        done = dockyard("run", "--rm", *flags, path, "id", "-u")
        assert (done.returncode, done.stdout) == (125, "")


def test_a_user_name_needs_a_passwd(base: bytes, tmp_path: Path, dockyard: Dockyard) -> None:
    with_whiteout = tar_of(directory("etc"), ("etc/.wh.passwd", b""))
    Layout(tmp_path / "image").image(base, with_whiteout)
    path = str(tmp_path / "image")
    assert dockyard("run", "--rm", path, "ls", "/etc/passwd").returncode == 1
    done = dockyard("run", "--rm", "-u", "web", path, "true")
    assert done.returncode == 125
    assert "no such user" in done.stderr


def test_a_docker_archive(base: bytes, tmp_path: Path, dockyard: Dockyard) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(docker_archive(base, Cmd=["echo", "from the archive"]))
    assert dockyard("run", "--rm", str(path)).stdout == "from the archive\n"


def test_a_broken_archive_leaves_nothing(tmp_path: Path, dockyard: Dockyard, home: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"\x1f\x8b no gzip at all" * 100)
    done = dockyard("run", "--rm", str(path), "true")
    assert done.returncode == 125
    assert done.stderr.startswith("dockyard: ")
    assert not (home / "data/containers").exists() or not list((home / "data/containers").iterdir())


def test_a_volume_stays_inside_whatever_the_image_links(
    base: bytes, image: Callable[..., str], dockyard: Dockyard, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()
    layer = tar_of(
        link("abs", str(canary)), link("up", f"../../../../../..{canary}"), link("etc2", "/etc")
    )
    path = image(base, layer)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("volume")
    for target in ("/abs", "/up/new", "/etc2"):
        done = dockyard(
            "run", "--rm", "-v", f"{tmp_path}/data:{target}", path, "cat", f"{target}/file"
        )
        # a link that leads nowhere inside is refused; one that leads somewhere is followed there
        assert done.stdout == "volume" or (target != "/etc2" and done.returncode == 125)
    assert list(canary.iterdir()) == []


def test_proc_and_dev_as_links_reach_nothing(
    base: bytes, image: Callable[..., str], dockyard: Dockyard, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()
    hostile = tar_of(
        ("proc/.wh..wh..opq", b""),
        entry(".wh.proc"),
        entry(".wh.dev"),
    )
    links = tar_of(link("proc", str(canary)), link("dev", str(canary)))
    path = image(base, hostile, links)
    done = dockyard("run", "--rm", path, "true")
    assert done.returncode in (0, 125)
    assert list(canary.iterdir()) == []


def test_device_nodes_of_an_image_open_nothing(
    base: bytes, image: Callable[..., str], dockyard: Dockyard
) -> None:
    layer = tar_of(device("kmsg", 1, 11), device("disk", 254, 0, tarfile.BLKTYPE))
    done = dockyard("run", "--rm", image(base, layer), "cat", "/kmsg", "/disk")
    assert done.stdout == ""
    assert done.returncode != 0


def test_an_image_is_shared_and_never_written(
    base: bytes, image: Callable[..., str], dockyard: Dockyard, home: Path
) -> None:
    path = image(base)
    script = "echo changed > /etc/group; echo new > /new; cat /etc/group"
    assert dockyard("run", "--rm", path, "sh", "-c", script).stdout == "changed\n"
    assert "changed" not in dockyard("run", "--rm", path, "cat", "/etc/group").stdout
    (layer,) = (home / "data/layers").glob("*/diff")
    assert (layer / "etc/group").read_bytes() == GROUP
    assert not (layer / "new").exists()
