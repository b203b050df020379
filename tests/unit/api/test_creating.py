"""Bodies of ``containers/create`` as configs."""

from typing import Any

import pytest

from toolkit.api.creating import container_config, endpoint
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.config import Attach, Bind, ContainerConfig, VolumeMount


def made(host: dict[str, Any] | None = None, **config: Any) -> ContainerConfig:
    body = {"Image": "host", **config, "HostConfig": host or {}}
    return container_config(body, name="/web", network="bridge")


def test_what_clients_send_by_default_asks_for_nothing() -> None:
    config = made(
        {
            "NetworkMode": "default",
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "LogConfig": {"Type": "", "Config": {}},
            "MemorySwappiness": -1,
            "DeviceRequests": None,
            "ConsoleSize": [0, 0],
        },
        Labels={},
        Volumes={},
    )
    assert config == ContainerConfig(image="host", name="web", network="bridge", detach=True)


def test_limits_ports_and_mounts() -> None:
    config = made(
        {
            "NanoCpus": 500_000_000,
            "PortBindings": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
            "Binds": ["/srv:/srv:ro", "data:/data"],
            "SecurityOpt": ["no-new-privileges"],
        },
        Volumes={"/cache": {}, "/data": {}},
    )
    assert (config.cpu_quota, config.cpu_period) == (50_000, 100_000)
    assert [(port.outer, port.inner) for port in config.ports] == [(8080, 80)]
    assert config.binds == (Bind(source="/srv", target="/srv", read_only=True),)
    assert config.volumes == (
        VolumeMount(target="/data", name="data"),
        VolumeMount(target="/cache"),
    )
    assert config.no_new_privileges


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ({"DeviceRequests": [{"Count": 1}]}, "DeviceRequests"),
        ({"Runtime": "runsc"}, "Runtime"),
        ({"SecurityOpt": ["label=type:x"]}, "label=type:x"),
        ({"Mounts": [{"Type": "npipe"}]}, "npipe"),
        (
            {"Mounts": [{"Type": "bind", "BindOptions": {"NonRecursive": True}}]},
            "Mounts\\[0\\].BindOptions.NonRecursive",
        ),
        ({"Mounts": [{"Type": "volume", "VolumeOptions": {"Labels": {"a": "b"}}}]}, "Labels"),
        ({"MaskedPaths": ["/proc/x"]}, "MaskedPaths"),
        ({"KernelMemory": 1}, "KernelMemory"),
    ],
)
def test_what_is_not_built_is_refused(host: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        made(host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ({"Memory": "64m"}, "HostConfig.Memory: expected a whole number"),
        ({"AutoRemove": True, "RestartPolicy": {"Name": "always"}}, "restart policy"),
        ({"CgroupParent": "../x"}, "leads upwards"),
    ],
)
def test_what_makes_no_sense_is_refused(host: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        made(host)


def test_what_an_endpoint_cannot_have_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"EndpointsConfig.n1.GwPriority is not built"):
        endpoint("n1", {"GwPriority": 5})
    plain = {
        "GwPriority": 0,
        "DriverOpts": None,
        "Links": None,
        "IPAMConfig": {"IPv4Address": "10.1.0.5"},
    }
    assert endpoint("n1", plain) == Attach(network="n1", ip="10.1.0.5")
