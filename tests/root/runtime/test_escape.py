"""Ways out of a container that were real once; each is tried, none may lead anywhere."""

import errno
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.boxes import MOUNTS, PYTHON_MOUNTS, Boxes, capabilities
from toolkit.core.record import replace
from toolkit.engine.defaults import CAPABILITIES
from toolkit.oci.spec import Mount, Namespace
from toolkit.runtime.client import Launcher, StartError, cleanup, read_state

pytestmark = pytest.mark.root

IS_READ_ONLY = """\
import errno, os, sys
try:
    print(bool(os.fstatvfs(os.open(sys.argv[-1], os.O_PATH)).f_flag & os.ST_RDONLY))
except OSError as error:
    print(errno.errorcode[error.errno])
"""
KEEP_A_HANDLE = """\
#!/proc/self/exe
import os
handle = os.open("/proc/self/exe", os.O_PATH)
os.set_inheritable(handle, True)
script = "echo waiting; read x; echo pwned 2>&1 > /proc/self/fd/%d; echo refused" % handle
os.execv("/bin/sh", ["sh", "-c", "exec 2>&1; " + script])
"""


@pytest.fixture
def image(boxes: Boxes, tmp_path: Path) -> Path:
    """A copy of the root that a test may spoil."""
    return Path(shutil.copytree(boxes.root, tmp_path / "image", symlinks=True))


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder of the host that must stay as it is."""
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "bird").write_text("sings")
    before = folder.stat().st_mtime_ns
    yield folder
    assert [path.name for path in folder.iterdir()] == ["bird"]
    assert (folder / "bird").read_text() == "sings"
    assert folder.stat().st_mtime_ns == before


def spoil(image: Path, name: str, target: str) -> None:
    path = image / name
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("way", ["{canary}", "../../../../../../../..{canary}"])
@pytest.mark.parametrize("name", ["dev", "proc", "sys", "data"])
def test_a_link_in_the_image_never_leads_out(
    boxes: Boxes, image: Path, canary: Path, name: str, way: str
) -> None:
    spoil(image, name, way.format(canary=canary))
    mounts = (Mount(destination="/data", type="tmpfs", options=("mode=700",)),)
    request = boxes.request(
        ["sh", "-c", "touch /data/x /dev/shm/x; echo in"], lower=image, mounts=mounts
    )
    try:
        said = boxes.run(request).out
    except StartError as error:
        said = error.message
    assert "in" in said


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_kernel_file_systems_are_not_mounted_through_a_link(
    boxes: Boxes, image: Path, name: str
) -> None:
    spoil(image, name, "tmp")
    with pytest.raises(StartError, match=f"'/{name}' of the image is a symbolic link"):
        boxes.run(["true"], lower=image)


def test_a_bind_through_a_link_lands_inside(
    boxes: Boxes, image: Path, canary: Path, tmp_path: Path
) -> None:
    spoil(image, "data", f"../..{canary}")
    (image / str(canary).lstrip("/")).mkdir(parents=True)
    (tmp_path / "volume").mkdir()
    mount = Mount(destination="/data", source=str(tmp_path / "volume"), options=("rbind",))
    done = boxes.run(["sh", "-c", f"touch /data/x; ls {canary}"], lower=image, mounts=(mount,))
    assert done.out == "x\n"
    assert (tmp_path / "volume/x").exists()


def test_a_dangling_link_as_target_makes_no_file_outside(
    boxes: Boxes, image: Path, canary: Path, tmp_path: Path
) -> None:
    spoil(image, "etc/thing", f"../../../../../../..{canary}/new")
    (tmp_path / "file").write_text("content")
    mount = Mount(destination="/etc/thing", source=str(tmp_path / "file"), options=("bind",))
    with pytest.raises(StartError, match="No such file"):
        boxes.run(["true"], lower=image, mounts=(mount,))


def test_a_false_null_device_in_the_image_is_refused(
    boxes: Boxes, image: Path, canary: Path
) -> None:
    (image / "dev/null").symlink_to(canary / "bird")
    spec_mounts = tuple(
        mount for mount in MOUNTS if mount.destination.startswith(("/proc", "/sys"))
    )
    request = boxes.request(["true"], lower=image)
    bare = replace(request, spec=replace(request.spec, mounts=spec_mounts))
    with pytest.raises(StartError, match="another file has this name: '/dev/null'"):
        boxes.run(bare)


@pytest.mark.parametrize("number", range(3, 24))
def test_no_descriptor_is_a_working_directory(boxes: Boxes, number: int) -> None:
    with pytest.raises(StartError):
        boxes.run(["pwd"], cwd=f"/proc/self/fd/{number}")


def test_the_interpreter_cannot_be_overwritten_once_nobody_runs_it(
    boxes: Boxes, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # CVE-2019-5736: the entry point's interpreter is what runs it, the launcher's own program. It
    # keeps a handle on it and waits until the kernel does not answer "text file busy" any more.
    program = tmp_path / "python3"
    shutil.copy(os.path.realpath(sys.executable), program)
    before = hashlib.sha256(program.read_bytes()).digest()
    monkeypatch.setattr(sys, "executable", str(program))
    script = image / "evil"
    script.write_text(KEEP_A_HANDLE)
    script.chmod(0o755)
    with Launcher.spawn() as mine:
        other = Boxes(mine, boxes.root, boxes.home, boxes.mark)
        reader, writer = os.pipe()
        mounts = (*PYTHON_MOUNTS, *home_of_python())
        request = other.request(["/evil"], lower=image, mounts=mounts, passthrough=True)
        box = other.start(request, stdin=reader)
        os.close(reader)
        pid = box.started()
        box.say("waiting")
        state = read_state(request.state_dir)
        assert state is not None
        for running in (state.shim_pid, mine.pid):
            os.kill(running, signal.SIGKILL)
    until_writable(program)
    os.write(writer, b"go\n")
    assert "Read-only file system" in box.say("refused")
    assert hashlib.sha256(program.read_bytes()).digest() == before
    os.close(writer)
    until_gone(pid)
    box.close()
    cleanup(request.state_dir)


def home_of_python() -> tuple[Mount, ...]:
    """Where the interpreter that runs the tests has its library, if not below ``/usr``."""
    base = sys.base_prefix
    return () if base == "/usr" else (Mount(destination=base, source=base, options=("bind", "ro")),)


def until_writable(path: Path) -> None:
    """Until the kernel does not take it for a running program."""
    deadline = time.monotonic() + 60
    while True:
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError as error:
            if error.errno != errno.ETXTBSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("traces", "answers"), [(True, "True"), (False, "EACCES EPERM")])
def test_an_init_cannot_be_overwritten_by_who_may_trace_it(
    boxes: Boxes, traces: bool, answers: str
) -> None:
    held = [*CAPABILITIES, "CAP_SYS_PTRACE"] if traces else CAPABILITIES
    attacker = boxes.request(["sleep", "60"], capabilities=capabilities(held), mounts=PYTHON_MOUNTS)
    box = boxes.start(attacker)
    pid = box.started()
    shared = tuple(
        Namespace(type=name, path=f"/proc/{pid}/ns/pid" if name == "pid" else "")
        for name in ("pid", "mount", "ipc", "uts", "network")
    )
    victim = boxes.start(["true"], namespaces=shared, hold=True)
    number = Path(f"/proc/{victim.started()}/status").read_text().partition("NSpid:")[2].split()[1]
    done = boxes.exec(
        attacker, ["/usr/bin/python3", "-c", IS_READ_ONLY, f"/proc/{number}/exe"]
    ).finish()
    victim.session.begin()
    assert victim.finish().status == 0
    box.session.signal(signal.SIGKILL)
    box.finish()
    assert done.out.strip() in answers.split(), done.err


def test_the_launcher_itself_runs_from_a_file_that_cannot_be_written(boxes: Boxes) -> None:
    handle = os.open(f"/proc/{boxes.launcher.pid}/exe", os.O_PATH)
    assert os.fstatvfs(handle).f_flag & os.ST_RDONLY
    os.close(handle)


def test_nothing_of_the_host_is_mounted_inside(boxes: Boxes) -> None:
    lines = boxes.run(["cat", "/proc/self/mountinfo"]).out.splitlines()
    assert {line.split()[3] for line in lines if " - ext4 " in line} == set()
    assert len([line for line in lines if " / / " in line]) == 1


def test_mounting_is_not_allowed_inside(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "mount -t tmpfs x /tmp || mount -o remount,rw /sys || echo no"])
    assert done.out == "no\n"
