"""The peers as they run on a machine with hybrid cgroups and no daemon of their own."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# crun refuses hybrid cgroups while v2 holds a controller: hide v2 in a mount namespace of its own
CRUN_NAMESPACE = (
    "unshare",
    "-m",
    "sh",
    "-c",
    '! test -d /sys/fs/cgroup/unified || mount -t tmpfs none /sys/fs/cgroup/unified; exec "$@"',
    "sh",
)
PODMAN_LEFTOVERS = ("hugetlb", "net_cls", "net_prio", "perf_event")


def ensure(*packages: str) -> None:
    """Install Debian packages that are missing."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}"]
    wanted = [
        name
        for name in packages
        if subprocess.run([*query, name], capture_output=True, text=True, check=False).stdout
        != "installed"
    ]
    if wanted:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=400"]
        subprocess.run([*apt, "update"], check=True, env=env)
        install = [*apt, "install", "-y", "--no-install-recommends", *wanted]
        subprocess.run(install, check=True, env=env, stdout=subprocess.DEVNULL)


def busybox_root(folder: Path) -> Path:
    """A root file system with a static busybox, its links and the usual folders."""
    for name in ("bin", "dev", "proc", "sys", "tmp", "etc", "run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    for name in ("true", "sh", "sleep", "cat"):
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    return folder


def oci_bundle(folder: Path, runtime: str) -> Path:
    """A bundle of that runtime's own default spec that runs ``/bin/true``."""
    busybox_root(folder / "rootfs")
    subprocess.run([runtime, "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    config["process"].update(terminal=False, args=["/bin/true"])
    config["process"].pop("rlimits", None)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@contextmanager
def podman(folder: Path) -> Iterator[list[str]]:
    """The argv prefix of a podman with stores of its own; its leftovers are removed."""
    conf = folder / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]\n')
    os.environ["CONTAINERS_CONF"] = str(conf)
    before = {name for name in PODMAN_LEFTOVERS if Path("/sys/fs/cgroup", name).exists()}
    places = [f"--{name}={folder / name}" for name in ("root", "runroot", "tmpdir")]
    engine = ["--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--events-backend=file"]
    argv = ["podman", *places, *engine, "--runtime=/usr/sbin/runc"]
    try:
        yield argv
    finally:
        subprocess.run([*argv, "system", "reset", "--force"], capture_output=True, check=False)
        del os.environ["CONTAINERS_CONF"]
        for name in set(PODMAN_LEFTOVERS) - before:
            left = Path("/sys/fs/cgroup", name)
            if left.is_dir() and not left.is_mount():
                shutil.rmtree(left)


@contextmanager
def docker(folder: Path, prefix: Sequence[str]) -> Iterator[list[str]]:
    """The argv prefix of a client of a dockerd of its own, which ``prefix`` puts into a namespace.

    It is Debian's, whose bridge is 172.31.0.1/24; its leftovers are removed.
    """
    state = Path(tempfile.mkdtemp(prefix="docker-", dir=folder))
    group = f"dockyard-bench-{os.getpid()}"
    client = ["docker", f"--host=unix://{state / 'socket'}"]
    places = [f"--data-root={state / 'data'}", f"--exec-root={state / 'exec'}"]
    words = [f"--pidfile={state / 'pid'}", client[1], "--storage-driver=overlay2"]
    words += ["--bip=172.31.0.1/24", f"--cgroup-parent=/{group}"]
    words += ["--exec-opt=native.cgroupdriver=cgroupfs"]
    argv = [*prefix, "unshare", "--mount", "/usr/sbin/dockerd", *places, *words]
    with (state / "log").open("wb") as log, subprocess.Popen(argv, stderr=log) as daemon:
        try:
            end = time.monotonic() + 60
            while subprocess.run([*client, "version"], capture_output=True, check=False).returncode:
                if daemon.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"dockerd does not answer: {(state / 'log').read_text()}")
                time.sleep(0.1)
            yield client
        finally:
            daemon.terminate()
            daemon.wait(timeout=60)
    for left in Path("/sys/fs/cgroup").glob(f"*/{group}"):
        left.rmdir()


def imported(client: Sequence[str], root: Path, name: str) -> str:
    """An image of a root file system, in one layer."""
    archive = root.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    subprocess.run([*client, "import", str(archive), name], check=True, capture_output=True)
    return name
