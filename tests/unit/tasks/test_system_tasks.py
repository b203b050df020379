"""``modprobe``, ``package``, ``service`` and ``cgroup_delegation`` where the cases are too few."""

import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import ConflictError, NotFoundError, UnsupportedError


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.packages(made)
    task_cases.units(made)
    return made


def test_a_built_in_module_is_present_without_loading(host: FakeHost) -> None:
    host.files.seed("/proc/filesystems", "nodev\toverlay\n")
    assert not run(host, "modprobe", name="overlay").changed
    with pytest.raises(ConflictError, match="built into the kernel"):
        run(host, "modprobe", name="overlay", state="absent")


def test_a_kernel_without_modules_says_so(host: FakeHost) -> None:
    with pytest.raises(UnsupportedError, match="has no 'dummy', and it cannot load modules"):
        run(host, "modprobe", name="dummy")


def test_a_module_that_a_file_names_already_needs_no_other(host: FakeHost) -> None:
    task_cases.loaded(host)
    assert not run(host, "modprobe", name="overlay", persistent="present").changed


def test_an_installed_package_asks_nobody(host: FakeHost) -> None:
    assert not run(host, "package", name="curl", update_cache=True).changed
    assert host.packages.updates == 0


def test_lists_are_fetched_when_they_are_old(host: FakeHost) -> None:
    done = run(host, "package", name="jq", update_cache=True, cache_valid_time=3600)
    assert (host.packages.updates, done.values["cache_updated"]) == (1, True)
    run(host, "package", name="nginx", update_cache=True, cache_valid_time=3600)
    assert host.packages.updates == 1


def test_fetching_alone_is_a_change_and_fetching_on_the_way_is_none(host: FakeHost) -> None:
    assert run(host, "package", update_cache=True).changed
    host.packages.age = 7200
    assert not run(host, "package", name="curl", state="latest", update_cache=True).changed


def test_latest_brings_the_newer_version_and_cannot_be_undone(host: FakeHost) -> None:
    host.packages.available["curl"] = "8.0"
    (change,) = run(host, "package", name="curl", state="latest").changes
    assert host.packages.versions["curl"] == "8.0"
    shown = change.difference()
    assert shown is not None
    assert (shown.before, shown.after) == ("curl=7.88\n", "curl=8.0\n")
    assert change.inverse() is None


def test_a_version_may_be_asked_for(host: FakeHost) -> None:
    assert not run(host, "package", name="curl=7.88").changed
    assert described(run(host, "package", name="curl=7.90")) == ["install curl=7.90"]


def test_a_removal_tells_what_goes(host: FakeHost) -> None:
    assert described(run(host, "package", name="curl,nope", state="absent", purge=True)) == [
        "purge curl"
    ]


@pytest.mark.parametrize(("id", "manager"), [("fedora", "dnf"), ("alpine", "apk")])
def test_other_families_are_refused_in_a_sentence(id: str, manager: str, host: FakeHost) -> None:  # noqa: A002 - os-release's name
    host.files.seed("/etc/os-release", f"ID={id}\nVERSION_ID=41\n")
    with pytest.raises(UnsupportedError, match=f"need {manager}, which dockyard cannot drive yet"):
        run(host, "package", name="curl")


def test_an_unknown_service_is_named(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match=r"there is no service 'nope.service'"):
        run(host, "service", name="nope", state="started")


def test_a_masked_unit_is_unmasked_first(host: FakeHost) -> None:
    host.services.seed("cron.service", enabled="masked")
    with pytest.raises(ConflictError, match=r"'cron.service' is masked"):
        run(host, "service", name="cron", enabled=True)
    assert described(run(host, "service", name="cron", enabled=True, masked=False)) == [
        "unmask cron.service",
        "enable cron.service",
    ]


def test_a_static_unit_can_neither_be_enabled_nor_disabled(host: FakeHost) -> None:
    host.services.seed("dbus.socket", enabled="static")
    for enabled in (True, False):
        assert not run(host, "service", name="dbus.socket", enabled=enabled).changed


@pytest.mark.parametrize(
    ("state", "cron", "ssh"),
    [
        ("started", ["start"], []),
        ("stopped", [], ["stop"]),
        ("restarted", ["start"], ["restart"]),
        ("reloaded", ["start"], ["reload"]),
    ],
)
def test_states_are_reached_from_where_the_unit_is(
    state: str, cron: list[str], ssh: list[str], host: FakeHost
) -> None:
    for name, verbs in (("cron", cron), ("ssh", ssh)):
        done = run(host, "service", name=name, state=state)
        assert described(done) == [f"{verb} {name}.service" for verb in verbs]


def test_reading_the_unit_files_again_is_no_change(host: FakeHost) -> None:
    assert not run(host, "service", daemon_reload=True).changed
    assert host.services.asked == [("daemon_reload", "")]
    host.services.manager = False
    run(host, "service", daemon_reload=True)
    assert len(host.services.asked) == 1


def test_without_a_manager_a_state_is_refused(host: FakeHost) -> None:
    host.services.manager = False
    with pytest.raises(UnsupportedError, match="systemd does not run here") as caught:
        run(host, "service", name="cron", state="started")
    assert "enabled: true" in caught.value.hint
    assert run(host, "service", name="cron", enabled=True).changed


def test_delegation_reloads_systemd_when_it_has_changed(host: FakeHost) -> None:
    assert described(run(host, "cgroup_delegation", controllers="cpu,pids"))[-1] == "reload systemd"
    assert run(host, "cgroup_delegation", controllers="cpu,pids").changes == ()
    path = "/etc/systemd/system/user@.service.d/50-dockyard-delegate.conf"
    assert b"\n[Service]\nDelegate=cpu pids\n" in host.files.read(path)
    run(host, "cgroup_delegation", state="absent")
    assert host.files.stat("/etc/systemd/system/user@.service.d") is None


def test_a_slice_has_a_section_of_its_own(host: FakeHost) -> None:
    run(host, "cgroup_delegation", unit="machine.slice")
    path = "/etc/systemd/system/machine.slice.d/50-dockyard-delegate.conf"
    assert b"[Slice]\n" in host.files.read(path)
