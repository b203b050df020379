import shlex
from pathlib import Path

import pytest

from toolkit.cli.containers.options import container_config
from toolkit.cli.containers.starting import RUN
from toolkit.cli.verb import read
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.config import (
    Bind,
    ContainerConfig,
    DeviceAsk,
    DeviceRate,
    Tmpfs,
    Ulimit,
    VolumeMount,
)
from toolkit.oci.image import Healthcheck


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
        ("-v -data:/d host", "'-data' is no name for a volume"),
        ("--stop-signal TREM host", "unknown signal 'TREM'"),
        (
            "--security-opt label=user:x host",
            "security-opt: 'label=user:x': SELinux labels are not set",
        ),
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


def test_what_few_ask(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.write_text("# said\na=1\n\nb=2\n")
    made = config(
        "-v data:/data -v /cache --mount type=tmpfs,dst=/m,tmpfs-size=1m --volumes-from web:ro "
        "--restart on-failure:3 --init --health-cmd 'test -f /ok' --health-interval 1s "
        "--log-opt max-size=1m --log-opt max-file=2 --ulimit nofile=10:20 --device /dev/null "
        "--device-read-bps /dev/sda:1m --sysctl net.core.somaxconn=5 --group-add audio "
        "--shm-size 1m --uts host --oom-score-adj -5 --memory-reservation 1m --cpu-quota 50000 "
        f"--annotation a=b --label-file {labels} -l b=3 --security-opt systempaths=unconfined "
        "--security-opt apparmor=unconfined host"
    )
    assert made == ContainerConfig(
        image="host",
        volumes=(VolumeMount(target="/data", name="data"), VolumeMount(target="/cache")),
        tmpfs=(Tmpfs(target="/m", options=("noexec", "nosuid", "nodev", "size=1048576")),),
        volumes_from=("web:ro",),
        restart="on-failure",
        restart_retries=3,
        init=True,
        health=(Healthcheck(test=("CMD-SHELL", "test -f /ok"), interval=10**9),),
        log_options=("max-size=1m", "max-file=2"),
        ulimits=(Ulimit(name="nofile", soft=10, hard=20),),
        devices=(DeviceAsk(source="/dev/null", target="/dev/null"),),
        device_rates=(DeviceRate(kind="rbps", path="/dev/sda", rate=1 << 20),),
        sysctls=("net.core.somaxconn=5",),
        group_add=("audio",),
        shm_size=1 << 20,
        uts="host",
        oom_score_adj=-5,
        memory_reservation=1 << 20,
        cpu_quota=50000,
        annotations=("a=b",),
        labels=("a=1", "b=2", "b=3"),
        unmasked=True,
        apparmor="unconfined",
    )


def test_a_directory_from_here_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert config("-v ./x:/x host").binds == (Bind(source=f"{tmp_path}/x", target="/x"),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--restart sometimes host", "restart: 'sometimes' is no policy"),
        ("--restart always:3 host", "only 'on-failure' takes a number"),
        ("--no-healthcheck --health-cmd x host", "--no-healthcheck conflicts"),
        ("--health-interval 1us host", "less than a millisecond"),
        ("--health-interval soon host", "'soon' is no span of time"),
        ("--ulimit nofile host", "'nofile' is not NAME=SOFT"),
        ("--device dev host", "'dev' is not HOST"),
        ("--device-read-bps sda:1m host", "is not DEVICE:RATE"),
        ("--device-write-iops /dev/sda:x host", "'x' is no whole number"),
        ("--blkio-weight 5 host", "is not between 10 and 1000"),
        ("--sysctl net host", "sysctl: 'net' is not NAME=VALUE"),
        ("--oom-score-adj 1001 host", "is not between -1000 and 1000"),
        ("--cpus 1 --cpu-quota 5 host", "--cpus excludes --cpu-quota"),
        ("--volumes-from web:rx host", "'web:rx' is not NAME"),
        ("--label-file /none host", "label-file '/none': No such file"),
    ],
)
def test_few_ask_nonsense(line: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        config(line)
