"""``apt``, ``systemd``, ``hostname`` and ``tempfile``."""

import pytest

from support.fake_host import FakeHost, completed
from support.task_cases import named, outdated, packages, units
from support.tasks import described, run
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import registry
from toolkit.tasks.planned import PlannedHost


def test_apt_get_is_told_what_was_asked() -> None:
    host = FakeHost()
    packages(host)
    run(
        host,
        "apt",
        name="jq",
        install_recommends=False,
        default_release="bookworm-backports",
        allow_downgrade=True,
    )
    assert host.packages.asked[-1] == (
        "--target-release=bookworm-backports",
        "--no-install-recommends",
        "--allow-downgrades",
    )


def test_everything_is_upgraded_and_what_is_unneeded_goes() -> None:
    host = FakeHost()
    outdated(host)
    done = run(host, "apt", upgrade="yes", autoremove=True)
    assert described(done) == [
        "upgrade 1 package",
        "remove 1 package(s) that nothing needs",
    ]
    assert host.packages.versions == {"curl": "7.99"}
    assert done.changes[0].inverse() is None
    assert not run(host, "apt", upgrade=True, autoremove=True).changed


def test_a_planned_upgrade_happens_once() -> None:
    host = FakeHost()
    outdated(host)
    planned = PlannedHost(host)
    assert run(planned, "apt", upgrade="full").changed
    assert not run(planned, "apt", upgrade="full").changed


def test_a_package_file_is_installed_unless_its_version_is_there() -> None:
    host = FakeHost()
    packages(host)
    host.files.seed("/srv/jq.deb", b"!<arch>")
    argv = ("dpkg-deb", "--show", "--showformat=${Package}=${Version}", "/srv/jq.deb")
    host.programs[argv] = completed(argv, "jq=1.6")
    host.packages.available["/srv/jq.deb"] = "1.6"
    assert described(run(host, "apt", deb="/srv/jq.deb")) == ["install /srv/jq.deb"]
    host.packages.versions["jq"] = "1.6"
    assert not run(host, "apt", deb="/srv/jq.deb").changed
    with pytest.raises(NotFoundError, match=r"no file '/srv/no\.deb'"):
        run(host, "apt", deb="/srv/no.deb")
    host.files.seed("/srv/bad.deb", b"")
    with pytest.raises(InvalidInputError, match="is no Debian package"):
        run(host, "apt", deb="/srv/bad.deb")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"upgrade": "everything"}, "upgrade is one of"),
        ({"name": "jq", "upgrade": "dist"}, "name excludes"),
        ({}, "name is missing"),
    ],
)
def test_what_apt_cannot_do(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        run(FakeHost(), "apt", **arguments)


def test_a_unit_goes_by_both_names() -> None:
    assert registry.load("ansible.builtin.systemd_service") is registry.load("systemd")
    host = FakeHost()
    units(host)
    assert described(run(host, "systemd", name="cron", state="started", daemon_reexec=True)) == [
        "run systemctl daemon-reexec",
        "start cron.service",
    ]
    assert described(run(host, "systemd", daemon_reexec=True)) == ["run systemctl daemon-reexec"]
    with pytest.raises(InvalidInputError, match="scope 'user' is not managed"):
        run(host, "systemd", name="cron", state="started", scope="user")


def test_a_host_name_is_held_in_kernel_and_file() -> None:
    host = FakeHost()
    named(host)
    done = run(host, "hostname", name="web1.example.org")
    assert described(done) == [
        "set kernel.hostname from 'old' to 'web1.example.org'",
        "write /etc/hostname (17 bytes)",
    ]
    facts = done.values["ansible_facts"]
    assert (facts["ansible_hostname"], facts["ansible_domain"]) == ("web1", "example.org")


@pytest.mark.parametrize("name", ["", "-x", "a..b", "under_score", "x" * 64, "a b"])
def test_what_is_no_host_name(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is no host name"):
        run(FakeHost(), "hostname", name=name)


def test_each_temporary_name_is_another() -> None:
    host = FakeHost()
    one, two = (str(run(host, "tempfile").values["path"]) for _ in range(2))
    assert one != two
    assert one.startswith("/tmp/ansible.")
    assert host.files.nodes[one].attributes.mode == 0o600
    made = run(host, "tempfile", state="directory", path="/srv", prefix="x", suffix=".d").values
    assert str(made["path"]).startswith("/srv/x")
    assert (made["mode"], made["state"]) == ("0700", "directory")
    with pytest.raises(NotFoundError):
        run(host, "tempfile", path="/nope")
    with pytest.raises(InvalidInputError, match="without a slash"):
        run(host, "tempfile", prefix="a/b")
