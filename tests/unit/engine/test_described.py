"""``Config``, ``HostConfig`` and ``Mounts`` of an inspected container."""

from toolkit.engine.config import Bind, ContainerConfig, Ulimit, VolumeMount
from toolkit.engine.described import config, host_config, mounts
from toolkit.engine.model import View
from toolkit.engine.settings import Settings
from toolkit.net.wiring import Port
from toolkit.oci.image import ImageConfig

SAYS = ImageConfig(
    env=("A=1", "B=2"), entrypoint=("/init",), cmd=("serve",), workdir="/srv", labels={}
)


def view(asked: ContainerConfig) -> View:
    return View(
        id="0123456789abcdef" * 4,
        name="web",
        image="app:1",
        args=("x",),
        config=asked,
        status="running",
        created=1.0,
        says=SAYS,
    )


def test_what_was_not_asked_is_the_images() -> None:
    shown = config(view(ContainerConfig(image="app:1", env=("B=3",))))
    assert shown["Env"] == ["A=1", "B=3"]
    assert (shown["Entrypoint"], shown["Cmd"]) == (["/init"], ["serve"])
    assert shown["WorkingDir"] == "/srv"
    own = config(view(ContainerConfig(image="app:1", entrypoint=("sh",))))
    assert (own["Entrypoint"], own["Cmd"]) == (["sh"], None)


def test_the_hosts_side_is_whole() -> None:
    asked = ContainerConfig(
        image="app:1",
        ports=(Port(protocol="tcp", host="", outer=8080, inner=80),),
        ulimits=(Ulimit(name="nofile", soft=1, hard=2),),
        log_options=("max-size=1m",),
        restart="always",
        cpu_quota=50_000,
        cpu_period=100_000,
    )
    shown = host_config(view(asked))
    assert shown["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    assert shown["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]
    assert shown["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
    assert shown["RestartPolicy"] == {"Name": "always", "MaximumRetryCount": 0}
    assert (shown["NanoCpus"], shown["CpuQuota"]) == (500_000_000, 50_000)


def test_directories_and_volumes_are_mounts() -> None:
    asked = ContainerConfig(
        image="app:1",
        binds=(Bind(source="/a", target="/b", read_only=True),),
        volumes=(VolumeMount(name="data", target="/data"),),
    )
    bind, volume = mounts(view(asked), Settings(data_root="/d"))
    assert (bind["Source"], bind["RW"]) == ("/a", False)
    assert (volume["Source"], volume["RW"]) == ("/d/volumes/data/_data", True)
    assert host_config(view(asked))["Binds"] == ["/a:/b:ro", "data:/data"]
