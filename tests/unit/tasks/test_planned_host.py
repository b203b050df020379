"""Check mode of several tasks in a row: the later see what the earlier would have made."""

import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.tasks.planned import PlannedHost


@pytest.fixture
def below() -> FakeHost:
    host = FakeHost()
    task_cases.packages(host)
    task_cases.units(host)
    task_cases.networkd(host)
    task_cases.modules(host)
    host.files.seed_directory("/etc/systemd/system")
    return host


@pytest.fixture
def host(below: FakeHost) -> PlannedHost:
    return PlannedHost(below)


def test_a_planned_directory_takes_a_planned_file(host: PlannedHost) -> None:
    run(host, "file", path="/opt/app", state="directory")
    assert run(host, "copy", dest="/opt/app/conf", content="a\n").changed
    assert run(host, "copy", dest="/opt/app/", src="/opt/app/conf", remote_src=True).changes == ()


def test_a_directory_that_nobody_makes_is_missed(host: PlannedHost) -> None:
    with pytest.raises(NotFoundError, match="the directory '/opt/app' does not exist"):
        run(host, "copy", dest="/opt/app/conf", content="a\n")


def test_a_planned_package_may_bring_what_is_missing(host: PlannedHost) -> None:
    run(host, "package", name="nginx")
    assert run(host, "copy", dest="/etc/nginx/site", content="a\n").changed
    started = run(host, "service", name="nginx", state="started", enabled=True)
    assert started.changes == (), "Debian enables and starts what it installs"
    assert described(run(host, "service", name="nginx", state="restarted")) == [
        "restart nginx.service"
    ]


def test_what_comes_along_with_a_package_is_installed_too(host: PlannedHost) -> None:
    assert described(run(host, "package", name="jq")) == ["install jq and 1 more"]
    assert run(host, "package", name="libjq1").changes == ()


def test_a_removed_package_can_be_planned_again(host: PlannedHost) -> None:
    run(host, "package", name="curl", state="absent")
    assert "curl" not in host.packages.installed()
    assert described(run(host, "package", name="curl")) == ["install curl"]
    assert host.packages.installed()["curl"] == "7.88"


def test_planned_lists_are_fresh(host: PlannedHost) -> None:
    first = run(host, "package", name="jq", update_cache=True, cache_valid_time=3600)
    assert described(first) == ["update package lists", "install jq and 1 more"]
    again = run(host, "package", name="nginx", update_cache=True, cache_valid_time=3600)
    assert described(again) == ["install nginx"]


def test_an_unknown_package_may_be_in_lists_that_are_yet_to_come(host: PlannedHost) -> None:
    with pytest.raises(NotFoundError, match="there is no package 'newer'"):
        run(host, "package", name="newer")
    assert described(run(host, "package", name="newer", update_cache=True)) == [
        "update package lists",
        "install newer",
    ]


def test_a_planned_unit_file_makes_a_service(host: PlannedHost) -> None:
    unit = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    run(host, "copy", dest="/etc/systemd/system/app.service", content=unit)
    assert described(run(host, "service", name="app", enabled=True, state="started")) == [
        "enable app.service",
        "start app.service",
    ]
    assert run(host, "service", name="app", enabled=True, state="started").changes == ()


def test_a_parameter_may_come_with_a_planned_module(host: PlannedHost) -> None:
    parameter = "net.bridge.bridge-nf-call-iptables"
    with pytest.raises(NotFoundError, match="has no parameter"):
        run(host, "sysctl", name=parameter, value=1)
    run(host, "modprobe", name="br_netfilter")
    assert described(run(host, "sysctl", name=parameter, value=1))[0].startswith(f"set {parameter}")
    assert run(host, "sysctl", name=parameter, value=1).changes == ()


def test_a_planned_bridge_is_in_the_way_of_another(host: PlannedHost) -> None:
    run(host, "bridge", name="bridge0", address="192.168.5.1/24")
    with pytest.raises(ConflictError, match=r"overlaps 192.168.5.0/24"):
        run(host, "bridge", name="bridge1", address="192.168.5.129/25")
    assert run(host, "bridge", name="bridge1", address="192.168.6.1/24").changed


def test_an_inverse_in_the_plan_leads_back(host: PlannedHost, below: FakeHost) -> None:
    done = run(host, "bridge", name="bridge0", address="192.168.5.1/24")
    for change in reversed(done.changes):
        back = change.inverse()
        assert back
        back.apply(host)
    assert host.net.links() == below.net.links()
    assert host.files.stat("/etc/systemd/network/30-bridge0.network") is None


def test_a_module_can_be_planned_away(host: PlannedHost) -> None:
    run(host, "modprobe", name="overlay")
    assert run(host, "modprobe", name="overlay").changes == ()
    assert described(run(host, "modprobe", name="overlay", state="absent")) == [
        "unload kernel module overlay"
    ]
    assert run(host, "modprobe", name="overlay").changed
