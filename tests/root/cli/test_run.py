import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]


def left(home: Path) -> list[str]:
    """Directories of containers that remain."""
    found: list[str] = []
    for path in (home / "data/containers", home / "run"):
        found += os.listdir(path) if path.exists() else []
    return [name for name in found if not name.startswith(".")]


def test_output_and_status_are_passed_on(dockyard: Dockyard, home: Path) -> None:
    done = dockyard("run", "--rm", "host", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert left(home) == []
    assert dockyard("ps", "-a").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("true",), 0),
        (("sh", "-c", "exit 125"), 125),
        (("sh", "-c", "kill -9 $$; exit 1"), 1),
        (("sh", "-c", "sh -c 'kill -SEGV $$'"), 139),
        (("/nonexistent",), 127),
        (("nonexistent",), 127),
        (("/etc/passwd",), 126),
        (("/etc",), 126),
    ],
)
def test_statuses(dockyard: Dockyard, home: Path, command: tuple[str, ...], status: int) -> None:
    assert dockyard("run", "--rm", "host", *command).returncode == status
    assert left(home) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--pull", "never", "nothing"), "nothing"),
        (("run", "--cap-add", "NET_ADMINN", "host", "true"), "unknown capability 'NET_ADMINN'"),
        (("run", "-v", "data:d", "host", "true"), "not an absolute path"),
        (("run", "--rootfs", "/nonexistent", "true"), "is no directory"),
        (("run", "--network", "nowhere", "host", "true"), "no such network: 'nowhere'"),
        (("run", "--memory", "1", "host", "true"), "less than the least"),
        (("run", "-u", "nosuchuser", "host", "true"), "no such user"),
        (("run", "-u", "4294967296", "host", "true"), "ids are 0 to"),
        (("run", "-w", "x", "host", "true"), "not an absolute path"),
        (("run", "-it", "host", "true"), "the input device is not a TTY"),
        (("run", "--cpuset-cpus", "9999", "host", "true"), ""),
        (("run", "--frob", "host"), "unknown flag: --frob"),
        (("run",), "needs an argument"),
        (("create", "--pull", "never", "nothing"), "nothing"),
    ],
)
def test_bad_input_is_one_line_and_125(
    dockyard: Dockyard, home: Path, words: tuple[str, ...], message: str
) -> None:
    done = dockyard(*words)
    assert done.returncode == 125
    first, *rest = done.stderr.splitlines()
    assert first.startswith("dockyard: ")
    assert message in first
    assert all(line.startswith("hint: ") for line in rest)
    assert len(rest) <= 1
    assert done.stdout == ""
    assert left(home) == []


def test_stdin_only_when_asked(dockyard: Dockyard) -> None:
    assert dockyard("run", "--rm", "-i", "host", "cat", stdin="hello").stdout == "hello"
    assert dockyard("run", "-i", "host", "cat", stdin="hello").stdout == "hello"
    assert dockyard("run", "--rm", "host", "cat", stdin="hello").stdout == ""


def test_the_environment_is_only_what_was_asked(
    dockyard: Dockyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("MINE", "1")
    done = dockyard("run", "--rm", "-e", "MINE", "-e", "K=V", "--hostname", "h", "host", "env")
    names = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert names.pop("PATH")
    assert names == {"HOME": "/root", "HOSTNAME": "h", "MINE": "1", "K": "V"}


def test_user_directory_and_host_name(dockyard: Dockyard) -> None:
    script = "id -u; id -g; pwd; hostname; cat /etc/hostname"
    done = dockyard(
        "run", "--rm", "-u", "daemon", "-w", "/var", "-h", "box", "host", "sh", "-c", script
    )
    assert done.stdout.split() == ["1", "1", "/var", "box", "box"]


def test_volumes(dockyard: Dockyard, tmp_path: Path) -> None:
    (tmp_path / "ro").mkdir()
    script = "echo new > /rw/file; touch /ro/file; touch /t/file; ls /t"
    done = dockyard(
        "run", "--rm", "-v", f"{tmp_path}/rw:/rw", "-v", f"{tmp_path}/ro:/ro:ro", "--tmpfs", "/t",
        "host", "sh", "-c", script,
    )  # fmt: skip
    assert (tmp_path / "rw/file").read_text() == "new\n"
    assert "Read-only file system" in done.stderr
    assert done.stdout == "file\n"


def test_read_only(dockyard: Dockyard) -> None:
    script = "touch /x || touch /etc/x || touch /usr/x || touch /dev/shm/x && echo shm"
    done = dockyard("run", "--rm", "--read-only", "host", "sh", "-c", script)
    assert done.stdout == "shm\n"
    assert done.stderr.count("Read-only file system") == 3


def test_a_rootfs_is_never_written(dockyard: Dockyard, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("bin", "etc", "proc", "dev", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    busybox = Path("/bin/busybox").read_bytes()
    (root / "bin/sh").write_bytes(busybox)
    (root / "bin/sh").chmod(0o755)
    before = sorted(path.name for path in root.rglob("*"))
    done = dockyard("run", "--rm", "--rootfs", str(root), "sh", "-c", "echo hi > /new; echo ok")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    assert sorted(path.name for path in root.rglob("*")) == before


def test_limits_reach_the_kernel(dockyard: Dockyard) -> None:
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max"
    if not Path("/sys/fs/cgroup/memory").is_dir():
        script = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
    done = dockyard(
        "run", "--rm", "--memory", "64m", "--pids-limit", "20", "host", "sh", "-c", script
    )
    assert done.stdout.split() == [str(64 << 20), "20"]


def capabilities(dockyard: Dockyard, *flags: str) -> str:
    done = dockyard("run", "--rm", *flags, "host", "grep", "CapEff", "/proc/self/status")
    return done.stdout.split()[-1].lstrip("0")


def test_capabilities(dockyard: Dockyard) -> None:
    assert capabilities(dockyard) == "a80425fb"
    assert capabilities(dockyard, "--cap-drop", "ALL") == ""
    assert capabilities(dockyard, "--cap-drop", "all", "--cap-add", "net_admin") == "1000"
    assert capabilities(dockyard, "--user", "1000") == ""
    own = Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0].lstrip("0")
    assert capabilities(dockyard, "--privileged") == own


def test_filters_and_privileges(dockyard: Dockyard) -> None:
    script = ("grep", "-E", "^(Seccomp|NoNewPrivs):", "/proc/self/status")
    default = dockyard("run", "--rm", "host", *script).stdout.split()
    assert default == ["NoNewPrivs:", "0", "Seccomp:", "2"]
    options = ("--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined")
    asked = dockyard("run", "--rm", *options, "host", *script).stdout.split()
    assert asked == ["NoNewPrivs:", "1", "Seccomp:", "0"]


@pytest.mark.parametrize("kind", ["pid", "net", "ipc", "mnt", "uts", "cgroup"])
def test_namespaces(dockyard: Dockyard, kind: str) -> None:
    own = os.readlink(f"/proc/self/ns/{kind}")
    inside = dockyard("run", "--rm", "host", "readlink", f"/proc/self/ns/{kind}").stdout.strip()
    assert inside
    assert inside != own


def test_the_hosts_namespaces_when_asked(dockyard: Dockyard) -> None:
    flags = ("--network", "host", "--pid", "host", "--ipc", "host")
    words = [f"/proc/self/ns/{kind}" for kind in ("net", "pid", "ipc")]
    done = dockyard("run", "--rm", *flags, "host", "readlink", *words)
    assert done.stdout.split() == [os.readlink(path) for path in words]


def test_a_name_is_taken_once(dockyard: Dockyard) -> None:
    assert dockyard("create", "--name", "web", "host", "true").returncode == 0
    done = dockyard("run", "--rm", "--name", "web", "host", "true")
    assert done.returncode == 125
    assert "the name 'web' is in use" in done.stderr


def test_a_data_root_that_cannot_be_is_a_clear_error(
    dockyard: Dockyard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKYARD_DATA_ROOT", "/proc/self/nowhere")
    done = dockyard("run", "--rm", "host", "true")
    assert done.returncode == 125
    assert done.stderr.startswith("dockyard: ")
    assert left(home) == []


@pytest.mark.parametrize("size", ["200k", "2M"])
@pytest.mark.parametrize("flags", ["--rm", ""])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(
    home: Path, entry: tuple[str, ...], size: str, flags: str
) -> None:
    words = " ".join(entry)
    disk = home / "data"
    disk.mkdir()
    # 2M hold the image's skeleton, 200k do not
    script = (
        f"mount -t tmpfs -o size={size} disk {disk}; {words} run --rm host true;"
        f"head -c 9M /dev/zero > {disk}/fill; {words} run {flags} host true; echo status-$?;"
        f"ls -A {disk}/containers; rm {disk}/fill; {words} ps -aq"
    )
    done = subprocess.run(
        ("unshare", "--mount", "sh", "-c", script), capture_output=True, text=True, check=False
    )
    assert done.stdout == "status-125\n"
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr or "is full" in done.stderr
