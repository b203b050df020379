import shlex
from pathlib import Path

import pytest

from toolkit.cli.containers.options import container_config
from toolkit.cli.containers.starting import RUN
from toolkit.cli.verb import read
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.config import Bind, ContainerConfig, Tmpfs


def config(line: str, **environ: str) -> ContainerConfig:
    return container_config(read(RUN, shlex.split(line)), environ, network="none")


def test_nothing_asked_is_nothing_said() -> None:
    assert config("host") == ContainerConfig(image="host")


def test_everything() -> None:
    made = config(
        "--rm -it -d --name web -e A=1 -e HOME -e GONE -w /srv -u web:www -v /a:/b:ro "
        "--tmpfs /t:size=1m -h box --network host --memory 64m --memory-swap -1 --cpus 0.5 "
        "--cpu-shares 512 --cpuset-cpus 0 --pids-limit 20 --cap-add NET_ADMIN --cap-drop ALL "
        "--privileged --security-opt no-new-privileges --security-opt seccomp=unconfined "
        "--read-only --entrypoint /bin/x --pid host --ipc host --stop-signal INT "
        "--stop-timeout 3 -l a=b --cgroup-parent /mine host ls -l",
        HOME="/root",
    )
    assert made == ContainerConfig(
        image="host",
        command=("ls", "-l"),
        entrypoint=("/bin/x",),
        name="web",
        hostname="box",
        env=("A=1", "HOME=/root"),
        workdir="/srv",
        user="web:www",
        binds=(Bind(source="/a", target="/b", read_only=True),),
        tmpfs=(Tmpfs(target="/t", options=("noexec", "nosuid", "nodev", "size=1m")),),
        network="host",
        pid="host",
        ipc="host",
        memory=64 << 20,
        memory_swap=-1,
        cpu_quota=50_000,
        cpu_period=100_000,
        cpu_shares=512,
        cpuset_cpus="0",
        pids_limit=20,
        cap_add=("NET_ADMIN",),
        cap_drop=("ALL",),
        privileged=True,
        no_new_privileges=True,
        seccomp="unconfined",
        read_only=True,
        interactive=True,
        tty=True,
        detach=True,
        auto_remove=True,
        stop_signal="INT",
        stop_timeout=3,
        labels=("a=b",),
        cgroup_parent="/mine",
    )


def test_with_rootfs_all_arguments_are_the_command() -> None:
    made = config("--rootfs /srv/root sh -c true")
    assert (made.image, made.rootfs, made.command) == ("", "/srv/root", ("sh", "-c", "true"))
    assert config("--rootfs /srv/root").command == ()


def test_an_empty_entrypoint_is_one() -> None:
    assert config("--entrypoint= host sh").entrypoint == ("",)


def test_variables_of_files_come_first(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("# comment\nA=file\nB=file\nHOME\n")
    made = config(f"--env-file {path} -e A=line host", HOME="/h")
    assert made.env == ("A=line", "B=file", "HOME=/h")


def test_a_profile_is_read(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("{}")
    assert config(f"--security-opt seccomp={tmp_path}/profile host").seccomp == "{}"
    assert config("--security-opt no-new-privileges:true host").no_new_privileges
    assert not config("--security-opt no-new-privileges=false host").no_new_privileges


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--memory lots host", "memory: 'lots' is no size"),
        ("--cpus none host", "cpus: 'none' is no number"),
        ("--pids-limit x host", "pids-limit: 'x' is no whole number"),
        ("--pids-limit -2 host", "pids-limit: -2 is less than -1"),
        ("--cpu-shares -1 host", "cpu-shares: -1 is less than 0"),
        ("-v data:/d host", "volume 'data:/d': 'data' is not an absolute path"),
        ("--stop-signal TREM host", "unknown signal 'TREM'"),
        ("--security-opt apparmor=x host", "security-opt: 'apparmor=x' is not known"),
        ("--security-opt seccomp=/none host", "security-opt: seccomp profile '/none': No such"),
        ("--env-file /none host", "env-file '/none': No such file or directory"),
        ("--cgroup-parent ../x host", "cgroup-parent: '../x' leads upwards"),
        ("-e =x host", "environment variable '=x' has no name"),
        ("-l =x host", "label '=x' has no name"),
    ],
)
def test_bad_values(line: str, message: str) -> None:
    with pytest.raises((InvalidInputError, UnsupportedError)) as caught:
        config(line)
    assert caught.value.message.startswith(message)
