"""``cron``, ``mount``, ``apt_repository``, ``deb822_repository`` and ``wait_for``."""

import socket
import threading
import time

import pytest

from support.fake_host import FakeHost, completed
from support.task_cases import crontabs, mounts, sources
from support.tasks import described, run
from toolkit.core.errors import CommandError, InvalidInputError, NotFoundError, UnavailableError
from toolkit.tasks.host import HttpResponse
from toolkit.tasks.planned import PlannedHost

SPOOL = "/var/spool/cron/crontabs/root"


def cron(host: FakeHost, **arguments: object) -> str:
    run(host, "cron", **arguments)
    return host.files.read(SPOOL).decode()


def test_a_job_is_found_again_by_its_comment() -> None:
    host = FakeHost()
    crontabs(host)
    old = "# mine\n0 1 * * * true\n"
    text = cron(host, name="a", job="x", hour="*/2", weekday="mon-fri")
    assert text == f"{old}#Ansible: a\n* */2 * * mon-fri x\n"
    assert cron(host, name="a", job="y", disabled=True) == f"{old}#Ansible: a\n#* * * * * y\n"
    assert cron(host, name="b", job="z", special_time="reboot").endswith("#Ansible: b\n@reboot z\n")
    values = run(host, "cron", name="b", job="z", special_time="reboot").values
    assert values["jobs"] == ["a", "b"]
    assert cron(host, name="a", state="absent") == f"{old}#Ansible: b\n@reboot z\n"


def test_a_crontab_has_its_users_owner_and_mode() -> None:
    host = FakeHost()
    crontabs(host)
    run(host, "cron", name="a", job="x", user="web")
    made = host.files.nodes["/var/spool/cron/crontabs/web"]
    assert (made.attributes.mode, made.attributes.uid) == (0o600, 33)
    with pytest.raises(NotFoundError, match="no user 'nobody-here'"):
        run(host, "cron", name="a", job="x", user="nobody-here")
    with pytest.raises(NotFoundError, match="no crontabs"):
        run(FakeHost(), "cron", name="a", job="x")


def test_a_file_names_its_user_and_goes_with_its_last_job() -> None:
    host = FakeHost()
    host.files.seed_directory("/etc/cron.d")
    run(host, "cron", name="a", job="x", user="web", cron_file="mine")
    assert host.files.read("/etc/cron.d/mine") == b"#Ansible: a\n* * * * * web x\n"
    assert run(host, "cron", name="a", state="absent", cron_file="mine").changed
    assert host.files.stat("/etc/cron.d/mine") is None


def test_a_variable_stands_before_the_jobs() -> None:
    host = FakeHost()
    crontabs(host)
    assert cron(host, name="PATH", job="/bin", env=True).startswith('PATH="/bin"\n# mine\n')
    text = cron(host, name="MAILTO", job="me", env=True, insertafter="PATH")
    assert text.startswith('PATH="/bin"\nMAILTO="me"\n')
    assert cron(host, name="PATH", state="absent", env=True).startswith('MAILTO="me"\n')
    with pytest.raises(NotFoundError, match="no variable 'NO'"):
        cron(host, name="X", job="1", env=True, insertbefore="NO")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "a"}, "job is missing"),
        ({"name": "a", "job": "x", "hour": "1 2"}, "hour is '1 2'"),
        ({"name": "a", "job": "x\ny"}, "one line each"),
        ({"name": "a", "job": "x", "hour": 1, "special_time": "daily"}, "excludes minute"),
        ({"name": "a", "job": "x", "insertafter": "P"}, "need env"),
    ],
)
def test_a_job_that_cannot_be(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        run(FakeHost(), "cron", **arguments)


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    sources(made)
    mounts(made)
    return made


NEW = "deb [signed-by=/k.gpg] https://me:pw@d.example.org/linux stable main"


def test_a_source_is_written_once_and_fetched(host: FakeHost) -> None:
    done = run(host, "apt_repository", repo=NEW)
    path = "/etc/apt/sources.list.d/d_example_org_linux_stable_main.list"
    assert described(done)[-1] == "update package lists"
    assert host.files.read(path).decode() == f"{NEW}\n"
    assert not run(host, "apt_repository", repo=NEW, filename="other").changed
    in_main = "deb http://deb.example.org stable main"
    assert not run(host, "apt_repository", repo=in_main).changed
    run(host, "apt_repository", repo=in_main, state="absent", update_cache=False)
    assert host.files.read("/etc/apt/sources.list") == b""
    run(host, "apt_repository", repo=NEW, state="absent")
    assert host.files.stat(path) is None


@pytest.mark.parametrize("repo", ["ppa:me/it", "http://x stable main", "deb http://x"])
def test_a_source_that_cannot_be(repo: str) -> None:
    with pytest.raises(InvalidInputError):
        run(FakeHost(), "apt_repository", repo=repo)


def test_a_source_in_paragraphs_with_its_key(host: FakeHost) -> None:
    key = "https://d.example.org/key"
    armour = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n"
    host.web["GET", key] = HttpResponse(status=200, body=armour)
    values = run(
        host,
        "deb822_repository",
        name="Docker CE",
        uris=["https://d.example.org"],
        suites="stable,test",
        components="main",
        signed_by=key,
        enabled=False,
        allow_insecure=True,
    ).values
    assert values["repo"] == (
        "Allow-Insecure: yes\nComponents: main\nEnabled: no\n"
        "Signed-By: /etc/apt/keyrings/docker-ce.asc\nSuites: stable test\nTypes: deb\n"
        "URIs: https://d.example.org\nX-Repolib-Name: Docker CE\n"
    )
    assert host.files.read("/etc/apt/keyrings/docker-ce.asc") == armour
    assert run(host, "deb822_repository", name="Docker CE", state="absent").changed
    assert host.files.stat("/etc/apt/keyrings/docker-ce.asc") is None
    with pytest.raises(NotFoundError, match="no key '/no'"):
        run(host, "deb822_repository", name="x", uris="u", suites="s", signed_by="/no")
    with pytest.raises(InvalidInputError, match="suites is missing"):
        run(host, "deb822_repository", name="x", uris="u")


DATA = {"path": "/mnt/my data", "src": "/dev/sdb1", "fstype": "ext4"}


def test_a_mount_is_in_the_kernel_and_in_the_table(host: FakeHost) -> None:
    done = run(host, "mount", **DATA, state="mounted", boot=False)
    assert described(done) == [
        "write /etc/fstab (113 bytes)",
        "make directory /mnt (0755)",
        "make directory /mnt/my data (0755)",
        "mount /dev/sdb1 on /mnt/my data",
    ]
    assert host.mounted[-1] == (
        *("mount", "-t", "ext4", "-o", "defaults,noauto", "--"),
        *("/dev/sdb1", "/mnt/my data"),
    )
    assert b"/dev/sdb1 /mnt/my\\040data ext4 defaults,noauto 0 0\n" in host.files.read("/etc/fstab")


def test_a_mount_point_is_left_as_asked(host: FakeHost) -> None:
    assert described(run(host, "mount", path="/srv", state="unmounted")) == ["unmount /srv"]
    assert b"/srv" in host.files.read("/etc/fstab")
    assert described(run(host, "mount", path="/srv", state="absent_from_fstab")) == [
        "write /etc/fstab (38 bytes)"
    ]
    assert described(run(host, "mount", path="/srv", state="absent")) == ["remove directory /srv"]
    assert not run(host, "mount", path="/srv", state="absent").changed


def test_another_source_is_mounted_instead(host: FakeHost) -> None:
    done = run(host, "mount", path="/srv", src="/dev/sdc", fstype="xfs", state="ephemeral")
    assert described(done) == ["unmount /srv", "mount /dev/sdc on /srv"]
    assert described(run(host, "mount", path="/srv", state="remounted")) == ["remount /srv"]
    assert not run(host, "mount", path="/none", state="remounted").changed


def test_a_mount_that_fails_is_told(host: FakeHost) -> None:
    argv = ("umount", "--", "/srv")
    host.programs[argv] = completed(argv, status=32)
    with pytest.raises(CommandError) as caught:
        run(host, "mount", path="/srv", state="unmounted")
    assert "fuser" in caught.value.hint
    with pytest.raises(InvalidInputError, match="needs src and fstype"):
        run(host, "mount", path="/srv", state="mounted")


def test_a_path_is_waited_for(host: FakeHost) -> None:
    host.files.seed("/srv/log", "starting\nready\n")
    assert run(host, "wait_for", path="/srv/log", search_regex="^ready$").values["elapsed"] == 0
    assert not run(host, "wait_for", path="/none", state="absent").changed
    with pytest.raises(UnavailableError, match="'/none' was not present within 0 seconds"):
        run(host, "wait_for", path="/none", state="present", timeout=0)
    with pytest.raises(UnavailableError, match="not yet"):
        run(host, "wait_for", path="/srv/log", search_regex="gone", timeout=0, msg="not yet")
    assert run(PlannedHost(host), "wait_for", path="/none").values["skipped"]


def test_a_port_is_waited_for(host: FakeHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            for _ in range(2):
                link, _ = server.accept()
                with link:
                    link.sendall(b"220 ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        run(host, "wait_for", port=port)
        run(host, "wait_for", port=port, search_regex="220 .*")
        thread.join()
    began = time.monotonic()
    run(host, "wait_for", port=port, state="stopped", timeout=60)
    assert time.monotonic() - began < 60


def test_connections_are_drained(host: FakeHost) -> None:
    head = "  sl  local_address rem_address   st\n"
    host.files.seed("/proc/net/tcp", f"{head}   0: 0100007F:0050 00000000:0000 0A\n")
    assert run(host, "wait_for", port=80, state="drained", timeout=0)
    host.files.seed("/proc/net/tcp", f"{head}   0: 0100007F:0050 0100007F:9999 01\n")
    with pytest.raises(UnavailableError, match="was not drained"):
        run(host, "wait_for", port=80, state="drained", timeout=0)


@pytest.mark.parametrize(
    "bad",
    [
        {"port": 1, "path": "/x"},
        {"state": "drained"},
        {"path": "/x", "state": "absent", "search_regex": "a"},
        {"path": "/x", "search_regex": "("},
    ],
)
def test_what_cannot_be_waited_for(host: FakeHost, bad: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        run(host, "wait_for", **bad)
