import os
import stat
from pathlib import Path

import pytest

from toolkit.engine.config import ContainerConfig
from toolkit.engine.rehearsal import copy_parameters, other_disks
from toolkit.engine.spec import Context, to_spec

MOUNTINFO = """\
22 27 0:21 / /proc rw - proc proc rw
24 27 0:6 / /dev rw - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
27 1 254:0 / / rw - ext4 /dev/vda rw
28 27 254:1 / /srv rw - xfs /dev/vdb rw
29 28 254:2 / /srv/with\\040blank rw shared:1 - btrfs /dev/vdc rw
30 27 0:40 / /run rw - tmpfs tmpfs rw
31 27 0:41 / /tmp rw - tmpfs tmpfs rw
32 27 0:42 / /net rw - nfs4 server:/ rw
33 27 0:43 / /runner rw - ext4 /dev/vdd rw
34 27 254:1 / /srv rw - xfs /dev/vdb rw
"""


def test_local_disks_are_found_outer_ones_first() -> None:
    assert other_disks(MOUNTINFO) == ("/srv", "/srv/with blank", "/tmp", "/runner")


def test_parameters_are_copied_without_the_networks(tmp_path: Path) -> None:
    source = tmp_path / "sys"
    for name in ("vm", "net", "kernel/random"):
        (source / name).mkdir(parents=True)
    (source / "vm/swappiness").write_text("60\n")
    (source / "kernel/random/uuid").write_text("x\n")
    (source / "kernel/secret").write_text("")
    (source / "kernel/secret").chmod(0o200)
    mounts = copy_parameters(str(tmp_path / "copy"), str(source))
    assert [(mount.source, mount.destination) for mount in mounts] == [
        (f"{tmp_path}/copy/kernel", "/proc/sys/kernel"),
        (f"{tmp_path}/copy/vm", "/proc/sys/vm"),
    ]
    assert (tmp_path / "copy/vm/swappiness").read_text() == "60\n"
    assert (tmp_path / "copy/kernel/random/uuid").read_text() == "x\n"
    mode = (tmp_path / "copy/kernel/secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o200


@pytest.mark.skipif(not os.path.isdir("/proc/sys/vm"), reason="no /proc/sys here")
def test_the_real_parameters_can_be_copied(tmp_path: Path) -> None:
    copy_parameters(str(tmp_path / "copy"))
    assert (tmp_path / "copy/vm/swappiness").read_text().strip().isdigit()


def test_a_copy_keeps_what_cannot_reach_through() -> None:
    class Box:
        env: tuple[str, ...] = ()
        entrypoint: tuple[str, ...] = ()
        cmd: tuple[str, ...] = ("sh",)
        workdir = ""

    own = ("CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_NET_ADMIN")
    spec = to_spec(
        ContainerConfig(rootfs="/", privileged=True), Box(), Context(id="a" * 64, capabilities=own)
    )
    assert spec.process is not None
    assert spec.process.capabilities is not None
    assert set(spec.process.capabilities.bounding) == set(own)
