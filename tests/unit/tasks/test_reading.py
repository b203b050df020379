"""The tasks that only tell."""

import base64
import time

import pytest

from support.fake_host import FakeHost, completed
from support.task_cases import packages, tree
from support.tasks import run
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError, UnsupportedError


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    tree(made)
    return made


def put(host: FakeHost, argv: tuple[str, ...], stdout: str = "", status: int = 0) -> None:
    """Have a program say this."""
    host.programs[argv] = completed(argv, stdout, status)


def told(host: FakeHost, task: str, **arguments: object) -> dict[str, object]:
    outcome = run(host, task, **arguments)
    assert not outcome.changed
    return outcome.values


def test_what_lies_at_a_path(host: FakeHost) -> None:
    host.programs["test", "-r", "/srv/motd"] = completed(("test",))
    stat = told(host, "stat", path="/srv/motd")["stat"]
    assert isinstance(stat, dict)
    assert (stat["exists"], stat["isreg"], stat["isdir"], stat["size"]) == (True, True, False, 6)
    assert (stat["mode"], stat["pw_name"], stat["rusr"], stat["xoth"]) == (
        "0644",
        "root",
        True,
        False,
    )
    assert stat["checksum"] == "f572d396fae9206628714fb2ce00f72e94f2258f"
    assert (stat["readable"], stat["writeable"]) == (True, False)
    assert (stat["mimetype"], stat["charset"], stat["attributes"]) == ("unknown", "unknown", [])


def test_a_missing_path_is_told_and_no_error(host: FakeHost) -> None:
    assert told(host, "stat", path="/nope") == {"stat": {"exists": False}}


def test_a_link_is_told_or_followed(host: FakeHost) -> None:
    link = told(host, "stat", path="/srv/data/link")["stat"]
    assert isinstance(link, dict)
    assert (link["islnk"], link["lnk_target"], link["lnk_source"]) == (True, "a", "/srv/data/a")
    followed = told(host, "stat", path="/srv/data/link", follow=True, checksum_algorithm="md5")
    assert isinstance(followed["stat"], dict)
    assert followed["stat"]["isreg"]
    assert len(followed["stat"]["checksum"]) == 32


def test_flags_and_kinds_come_from_programs(host: FakeHost) -> None:
    put(
        host,
        ("file", "--brief", "--mime-type", "--mime-encoding", "--", "/srv/motd"),
        "text/plain; charset=us-ascii\n",
    )
    put(host, ("lsattr", "-vd", "--", "/srv/motd"), "123 ----i---e--- /srv/motd\n")
    stat = told(host, "stat", path="/srv/motd")["stat"]
    assert isinstance(stat, dict)
    assert (stat["mimetype"], stat["charset"]) == ("text/plain", "us-ascii")
    assert (stat["version"], stat["attr_flags"]) == ("123", "ie")
    assert stat["attributes"] == ["immutable", "extents"]


def test_an_unknown_digest_is_refused(host: FakeHost) -> None:
    with pytest.raises(InvalidInputError, match="'sha265' is no checksum algorithm") as caught:
        run(host, "stat", path="/", checksum_algorithm="sha265")
    assert "sha256" in caught.value.hint


def test_a_file_is_read_whole(host: FakeHost) -> None:
    values = told(host, "slurp", src="/srv/data/link")
    assert base64.b64decode(str(values["content"])) == b"\x00\xff"
    assert (values["source"], values["encoding"]) == ("/srv/data/link", "base64")
    with pytest.raises(NotFoundError, match="file not found: '/nope'"):
        run(host, "slurp", src="/nope")
    with pytest.raises(InvalidInputError, match="is a directory"):
        run(host, "slurp", src="/srv")


def names(host: FakeHost, **arguments: object) -> list[str]:
    files = told(host, "find", **arguments)["files"]
    assert isinstance(files, list)
    return [str(file["path"]) for file in files]


def test_files_are_found(host: FakeHost) -> None:
    host.files.seed("/srv/.hidden", "x")
    host.files.seed("/srv/big", b"x" * 3000, 0o600)
    host.files.nodes["/srv/big"].mtime = time.time()
    assert names(host, paths="/srv") == ["/srv/big", "/srv/motd"]
    assert names(host, paths="/srv", hidden=True, patterns=".*") == ["/srv/.hidden"]
    assert names(host, paths="/srv", recurse=True, excludes="big,motd") == [
        "/srv/data/a",
        "/srv/data/deep/b",
    ]
    assert names(host, paths="/srv", recurse=True, depth=2, patterns="a,b") == ["/srv/data/a"]
    assert names(host, paths="/srv", file_type="directory", recurse=True) == [
        "/srv/data",
        "/srv/data/deep",
    ]
    assert names(host, paths="/srv", file_type="link", recurse=True) == ["/srv/data/link"]
    assert names(host, paths="/srv", size="2k") == ["/srv/big"]
    assert names(host, paths="/srv", size="-10") == ["/srv/motd"]
    assert names(host, paths="/srv", age="1d") == ["/srv/motd"]
    assert names(host, paths="/srv", age="-1d") == ["/srv/big"]
    assert names(host, paths="/srv", mode="0600") == ["/srv/big"]
    assert names(host, paths="/srv", mode="0044", exact_mode=False) == ["/srv/motd"]
    assert names(host, paths="/srv", contains="hel+o") == ["/srv/motd"]
    assert names(host, paths="/srv", use_regex=True, patterns="^m.*d$") == ["/srv/motd"]
    assert names(host, paths="/srv", limit=1) == ["/srv/big"]


def test_a_search_tells_what_it_could_not_search(host: FakeHost) -> None:
    values = told(host, "find", paths="/srv,/nope", get_checksum=True)
    assert (values["matched"], values["examined"]) == (1, 2)
    assert values["skipped_paths"] == {"/nope": "'/nope' is not a directory"}
    assert isinstance(values["files"], list)
    assert len(values["files"][0]["checksum"]) == 40


@pytest.mark.parametrize(
    "bad", [{"age": "two days"}, {"size": "3x"}, {"mode": "u+x"}, {"contains": "("}]
)
def test_a_search_that_cannot_be(host: FakeHost, bad: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        run(host, "find", paths="/srv", **bad)


def test_entries_of_a_database() -> None:
    host = FakeHost()
    put(host, ("getent", "passwd", "web"), "web:x:33:33::/:/bin/sh\n")
    assert told(host, "getent", database="passwd", key="web") == {
        "ansible_facts": {"getent_passwd": {"web": ["x", "33", "33", "", "/", "/bin/sh"]}}
    }
    put(host, ("getent", "services"), "domain 53/tcp\ndomain 53/udp\n")
    assert told(host, "getent", database="services") == {
        "ansible_facts": {"getent_services": {"domain": ["53/tcp", "53/udp"]}}
    }


def test_an_entry_that_is_not_there() -> None:
    host = FakeHost()
    put(host, ("getent", "group", "no"), status=2)
    with pytest.raises(NotFoundError, match="'no' is not in the database 'group'"):
        run(host, "getent", database="group", key="no")
    values = told(host, "getent", database="group", key="no", fail_key=False)
    assert values["ansible_facts"] == {"getent_group": {"no": None}}
    put(host, ("getent", "odd"), status=1)
    with pytest.raises(ToolkitError, match="cannot read the database 'odd'"):
        run(host, "getent", database="odd")
    with pytest.raises(UnsupportedError, match="no 'getent'"):
        run(host, "getent", database="hosts")


def test_packages_become_facts() -> None:
    host = FakeHost()
    packages(host)
    host.packages.versions |= {"curl:amd64": "7.88"}
    facts = told(host, "package_facts")["ansible_facts"]
    assert facts == {
        "packages": {
            "curl": [{"name": "curl", "version": "7.88", "source": "apt", "arch": "amd64"}],
            "libc6": [{"name": "libc6", "version": "2.36", "source": "apt"}],
        }
    }
    with pytest.raises(InvalidInputError, match="cannot ask the package manager 'rpm'"):
        run(host, "package_facts", manager="rpm")


def test_services_become_facts() -> None:
    host = FakeHost()
    listed = ("--no-pager", "--no-legend", "--plain", "--all", "--type", "service")
    put(
        host,
        ("systemctl", "list-unit-files", *listed),
        "cron.service enabled enabled\na.service disabled enabled\ng@.service static -\n",
    )
    put(
        host,
        ("systemctl", "list-units", *listed),
        "cron.service loaded active running Cron\n● bad.service loaded failed failed Bad\n"
        "gone.service not-found inactive dead gone.service\n",
    )
    facts = told(host, "service_facts")["ansible_facts"]
    assert isinstance(facts, dict)
    states = {each["name"]: (each["state"], each["status"]) for each in facts["services"].values()}
    assert states == {
        "cron.service": ("running", "enabled"),
        "a.service": ("inactive", "disabled"),
        "g@.service": ("unknown", "static"),
        "bad.service": ("stopped", "failed"),
        "gone.service": ("stopped", "not-found"),
    }
    with pytest.raises(UnsupportedError, match="no systemd"):
        run(FakeHost(), "service_facts")
