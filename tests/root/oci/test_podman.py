"""podman and its monitor conmon, with ``dockyard-oci`` as their runtime."""

import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pexpect
import pytest

from support.boxes import make_root
from support.oci_boxes import Done

pytestmark = pytest.mark.root

LIMITS = ("--ulimit", "nofile=1024:4096", "--ulimit", "nproc=4096:8192")
# What podman leaves below a v1 tree: its parent group, and directories where it looked for others.
SWEEP = """
cd /sys/fs/cgroup || exit 0
for name in hugetlb net_cls net_prio perf_event */$0; do
    grep -q " /sys/fs/cgroup/$name " /proc/self/mountinfo && continue
    [ -d "$name" ] && find "$name" -depth -type d -exec rmdir {} + 2>/dev/null
done
exit 0
"""


class Podman:
    """A podman with stores of its own that runs a root directory."""

    def __init__(self, argv: Sequence[str], root: Path, folder: Path) -> None:
        self.argv = tuple(argv)
        self.root = str(root)
        self._folder = folder
        self.parent = f"dockyard-podman-{uuid.uuid4().hex[:12]}"  # not one that two tests share

    def call(self, *argv: str, stdin: bytes = b"") -> Done:
        done = subprocess.run(
            (*self.argv, *argv),
            check=False,
            input=stdin,
            capture_output=True,
            timeout=100,
            cwd=self._folder,
        )
        return Done(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def line(self, *flags: str) -> tuple[str, ...]:
        parent = f"--cgroup-parent=/{self.parent}"
        return ("run", *LIMITS, parent, *flags, "--rootfs", self.root)

    def run_line(self, *flags: str) -> tuple[str, ...]:
        return self.line("--network", "none", *flags)

    def run(self, *argv: str, flags: Sequence[str] = ("--rm",), stdin: bytes = b"") -> Done:
        return self.call(*self.run_line(*flags), *argv, stdin=stdin)

    def must(self, *argv: str) -> str:
        done = self.call(*argv)
        assert done.status == 0, done.err
        return done.out


@pytest.fixture
def podman(program: str, tmp_path: Path, require: Callable[[str], str]) -> Iterator[Podman]:
    require("conmon")
    with tempfile.TemporaryDirectory(prefix="dy-", dir="/var/tmp") as short:  # sockets lie below
        places = [f"--{name}={short}/{name}" for name in ("root", "runroot", "tmpdir")]
        engine = ("--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file")
        argv = (require("podman"), *places, *engine, f"--runtime={program}")
        root = make_root(tmp_path / "root", require("busybox"))  # podman writes users into it
        made = Podman(argv, root, tmp_path)
        yield made
        made.call("rm", "--all", "--force", "--time", "0")
        subprocess.run((*argv, "system", "reset", "--force"), capture_output=True, check=False)
        subprocess.run(("sh", "-c", SWEEP, made.parent), check=False)


def test_run_has_stdio_and_a_status(podman: Podman) -> None:
    done = podman.run("sh", "-c", "cat; echo wrong >&2; exit 7", flags=("--rm", "-i"), stdin=b"hi")
    assert (done.status, done.out, done.err.splitlines()[-1]) == (7, "hi", "wrong")


@pytest.mark.parametrize(("argv", "status"), [("nonsense", 127), ("/etc", 126)])
def test_podman_understands_why_nothing_ran(podman: Podman, argv: str, status: int) -> None:
    assert podman.run(argv).status == status


def test_limits_and_protection(podman: Podman) -> None:
    flags = ("--rm", "--memory=64m", "--pids-limit=20", "--cap-drop=all", "--read-only")
    script = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max;"
        "cat /proc/self/status; touch /x || echo read-only; touch /tmp/x /dev/shm/x && echo fine"
    )
    done = podman.run("sh", "-c", script, flags=flags)
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[:2] == [str(64 << 20), "20"]
    assert lines[-2:] == ["read-only", "fine"]
    for word in ("CapBnd", "CapEff", "CapPrm"):
        assert f"{word}:\t0000000000000000" in lines
    assert "Seccomp:\t2" in lines


def test_options_that_reach_every_part_of_the_bundle(podman: Podman, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    (shared / "seen").write_text("seen")
    flags = (
        *("--rm", "--hostname=box", "--user=12:34", "--group-add=56", "--workdir=/tmp"),
        *("--env=A=1", "--tmpfs=/mine:size=1m", f"--volume={shared}:/out:ro", "--cpus=0.5"),
        *("--sysctl=net.ipv4.ip_forward=1", "--oom-score-adj=500", "--annotation=org.x=y"),
        *("--cpuset-cpus=0", "--shm-size=1m", "--security-opt=no-new-privileges", "--umask=0077"),
    )
    script = (
        "hostname; id -u; id -g; id -G; pwd; echo $A; cat /out/seen; echo;"
        "cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj; umask"
    )
    done = podman.run("sh", "-c", script, flags=flags)
    assert done.status == 0, done.err
    said = done.out.splitlines()
    groups = "34 56"
    assert said == ["box", "12", "34", groups, "/tmp", "1", "seen", "1", "500", "0077"]


def test_a_copied_up_tmpfs_shows_what_the_image_has(podman: Podman) -> None:
    Path(podman.root, "etc/name").write_text("content")
    done = podman.run(
        *("sh", "-c", "cat /etc/name; touch /etc/new && echo fine"),
        flags=("--rm", "--read-only", "--mount=type=tmpfs,destination=/etc,tmpcopyup"),
    )
    assert done.status == 0, done.err
    assert done.out == "contentfine\n"


def test_a_terminal(podman: Podman) -> None:
    argv = (*podman.argv, *podman.run_line("--rm", "-it"), "sh", "-c", "tty; exec cat")
    with pexpect.spawn(argv[0], list(argv[1:]), timeout=90, dimensions=(24, 80)) as child:
        child.expect("/dev/pts/0")
        child.sendline("echoed")
        child.expect("echoed\r\n.*echoed")
        child.sendeof()
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0


def test_a_life_in_the_background(podman: Podman) -> None:
    script = "trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done"
    podman.must(*podman.run_line("-d", "--name=box"), "sh", "-c", script)
    done = podman.call("exec", "box", "sh", "-c", "echo in; exit 4")
    assert (done.status, done.out) == (4, "in\n")
    assert podman.call("exec", "box", "nonsense").status == 127
    argv = (*podman.argv, "exec", "-it", "box", "tty")
    with pexpect.spawn(argv[0], list(argv[1:]), timeout=90) as child:
        child.expect("/dev/pts/0")
        child.expect(pexpect.EOF)
    podman.must("exec", "-d", "box", "sleep", "600")
    while (top := podman.call("top", "box", "args")).status:
        assert "no such process" in top.err  # one of the loop's ended while podman looked
    assert "sleep 600" in top.out
    podman.must("pause", "box")
    assert inspect(podman, "box")["Status"] == "paused"
    podman.must("unpause", "box")
    podman.must("stop", "--time", "10", "box")
    state = inspect(podman, "box")
    assert (state["Status"], state["ExitCode"]) == ("exited", 5)
    assert podman.must("logs", "box") == "up\n"
    podman.must("start", "box")
    podman.must("kill", "box")
    podman.must("rm", "--force", "--time", "0", "box")


def inspect(podman: Podman, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(podman.must("inspect", name))[0]["State"]
    return found


def test_created_and_initialised_first(podman: Podman) -> None:
    create = ("create", *podman.run_line("--name=box")[1:])
    podman.must(*create, "sh", "-c", "echo ran")
    podman.must("init", "box")
    assert inspect(podman, "box")["Status"] == "initialized"
    assert podman.must("start", "--attach", "box") == "ran\n"
    podman.must("rm", "box")


def test_descriptors_are_preserved(podman: Podman, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shell = ("sh", "-c", 'exec 3>"$0"; exec "$@"', str(kept))
    line = podman.run_line("--rm", "--preserve-fds=1")
    argv = (*shell, *podman.argv, *line, "sh", "-c", "echo kept >&3")
    subprocess.run(argv, check=True, capture_output=True)
    assert kept.read_text() == "kept\n"


def test_shared_namespaces(podman: Podman) -> None:
    podman.must(*podman.run_line("-d", "--name=one"), "sleep", "600")
    links = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid"
    theirs = podman.must("exec", "one", "sh", "-c", links)
    flags = ("--rm", "--network=container:one", "--ipc=container:one", "--pid=container:one")
    assert podman.must(*podman.line(*flags), "sh", "-c", links) == theirs
    host = "\n".join(os.readlink(f"/proc/self/ns/{name}") for name in ("net", "ipc", "pid"))
    host_flags = ("--rm", "--network=host", "--ipc=host", "--pid=host")
    said = podman.must(*podman.line(*host_flags), "sh", "-c", links)
    assert said.strip() == host


def test_a_user_namespace(podman: Podman) -> None:
    first, root = 200_000, Path(podman.root)
    for path in (root, *root.rglob("*")):
        os.chown(path, first, first, follow_symlinks=False)
    maps = [f"--{kind}map=0:{first}:1000" for kind in "ug"]
    maps = [flag.replace("--umap", "--uidmap").replace("--gmap", "--gidmap") for flag in maps]
    script = "id -u; cat /proc/self/uid_map; touch /made /dev/shm/made && echo fine"
    flags = ("--rm", *maps, "--memory=64m", "--volume=/usr/share:/given:ro")
    done = podman.run("sh", "-c", script, flags=flags)
    assert (done.status, done.out.split()) == (0, ["0", "0", str(first), "1000", "fine"]), done.err
    assert (root / "made").stat().st_uid == first
    podman.must(*podman.run_line("-d", "--name=one", *maps), "sleep", "600")
    assert podman.must("exec", "--user=5", "one", "id", "-u") == "5\n"
    links = "readlink /proc/self/ns/user; readlink /proc/self/ns/net"
    theirs = podman.must("exec", "one", "sh", "-c", links)
    flags = ("--rm", "--userns=container:one", "--network=container:one")
    assert podman.must(*podman.line(*flags), "sh", "-c", links) == theirs
    podman.must("stop", "--time", "0", "one")
    podman.must("rm", "one")
