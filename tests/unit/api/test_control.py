"""Bodies that change containers and make networks, and the lines of ``stats``."""

import pytest

from toolkit.api.reading import Reader
from toolkit.api.routes.control import update
from toolkit.api.routes.networks import network_config
from toolkit.api.statistics import document
from toolkit.cgroup.stats import Stats
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.control import Update
from toolkit.engine.netadmin import NetworkConfig
from toolkit.engine.usage import Sample


def test_zero_leaves_a_limit_as_it_is() -> None:
    body = Reader({"Memory": 0, "CpusetCpus": "", "RestartPolicy": {"Name": ""}})
    assert update(body) == Update()


def test_limits_and_policy_are_changed() -> None:
    body = {"Memory": 1 << 20, "NanoCpus": 10**9, "RestartPolicy": {"Name": "no"}}
    assert update(Reader(body)) == Update(
        memory=1 << 20, cpu_quota=100_000, cpu_period=100_000, restart="", restart_retries=0
    )


def test_a_network_as_asked_for() -> None:
    body = {
        "Name": "n1",
        "Driver": "bridge",
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.1.0.0/24"}]},
        "Options": {"com.docker.network.driver.mtu": "1400"},
        "Labels": {"a": "b"},
    }
    assert network_config(body) == NetworkConfig(
        name="n1", subnets=("10.1.0.0/24",), mtu=1400, labels=("a=b",)
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Driver": "overlay"}, "driver 'overlay'"),
        ({"Ingress": True}, "Ingress"),
        ({"IPAM": {"Config": [{"AuxiliaryAddresses": {"a": "10.1.0.1"}}]}}, "auxiliary"),
    ],
)
def test_networks_of_other_kinds_are_refused(body: dict[str, object], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        network_config({"Name": "n1", **body})


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"'com.docker.network.mut' is not known"):
        network_config({"Name": "n1", "Options": {"com.docker.network.mut": "1"}})


def sample(at: float, used: int) -> Sample:
    return Sample(
        id="a" * 64,
        name="web",
        at=at,
        stats=Stats(cpu_usage_us=used, memory_usage=3 << 20, memory_cache=1 << 20, pids=2),
        traffic=(),
        cpus=2,
        host_ns=int(at * 2e9),
        host_memory=1 << 30,
    )


def test_a_line_of_stats_holds_what_clients_compute_with() -> None:
    shown = document(sample(2.0, 500_000), sample(1.0, 0))
    used = shown["cpu_stats"]["cpu_usage"]["total_usage"]
    assert used - shown["precpu_stats"]["cpu_usage"]["total_usage"] == 500_000_000
    assert shown["cpu_stats"]["system_cpu_usage"] == 4_000_000_000
    assert (
        shown["memory_stats"]["usage"] - shown["memory_stats"]["stats"]["inactive_file"] == 2 << 20
    )
    assert shown["memory_stats"]["limit"] == 1 << 30
    assert shown["pids_stats"] == {"current": 2}
    assert shown["name"] == "/web"
