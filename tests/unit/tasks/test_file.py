import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.tasks.host import Attributes


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.tree(made)
    return made


def test_a_missing_path_is_an_error_by_default(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="'/srv/nope' does not exist") as caught:
        run(host, "file", path="/srv/nope", mode="0600")
    assert "touch" in caught.value.hint


def test_a_directory_is_no_file(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="is a directory, not a file"):
        run(host, "file", path="/srv/data", state="file")
    with pytest.raises(ConflictError, match="'/srv/motd' is a file, not a directory"):
        run(host, "file", path="/srv/motd", state="directory")


def test_every_new_directory_gets_the_attributes(host: FakeHost) -> None:
    run(host, "file", path="/srv/x/y", state="directory", mode="0700", owner="web")
    for path in ("/srv/x", "/srv/x/y"):
        assert host.files.nodes[path].attributes == Attributes(mode=0o700, uid=33)
    assert host.files.nodes["/srv"].attributes.mode == 0o755


def test_a_file_in_the_way_of_a_directory_is_named(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="'/srv/motd' is no directory"):
        run(host, "file", path="/srv/motd/below", state="directory")


def test_a_link_stands_for_its_target(host: FakeHost) -> None:
    run(host, "file", path="/srv/data/link", mode="0640", state="file")
    assert host.files.nodes["/srv/data/a"].attributes.mode == 0o640
    run(host, "file", path="/srv/data/link", owner="web", follow=False)
    assert host.files.nodes["/srv/data/link"].attributes.uid == 33
    assert host.files.nodes["/srv/data/a"].attributes.uid == 0


def test_recursion_follows_links_and_ends(host: FakeHost) -> None:
    host.files.seed("/opt/other/file", "x")
    host.files.symlink("/srv/data/out", "/opt/other")
    host.files.symlink("/opt/other/back", "/srv/data")
    run(host, "file", path="/srv/data", state="directory", recurse=True, owner="web")
    assert host.files.nodes["/opt/other/file"].attributes.uid == 33
    assert host.files.nodes["/opt"].attributes.uid == 0
    run(host, "file", path="/srv/data", recurse=True, owner="root", follow=False)
    assert host.files.nodes["/opt/other/file"].attributes.uid == 33
    assert host.files.nodes["/srv/data/out"].attributes.uid == 0


def test_a_link_that_leads_to_itself_is_an_error(host: FakeHost) -> None:
    host.files.symlink("/srv/loop", "loop")
    with pytest.raises(ConflictError, match="leads to itself"):
        run(host, "file", path="/srv/loop", state="file")


def test_a_link_to_nothing_needs_force(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="'nowhere' does not exist") as caught:
        run(host, "file", path="/srv/l", src="nowhere", state="link")
    assert "force" in caught.value.hint
    assert run(host, "file", path="/srv/l", src="nowhere", state="link", force=True).changed


def test_a_link_never_replaces_what_is_there_without_force(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="'/srv/motd' is a file, not a link"):
        run(host, "file", path="/srv/motd", src="data/a", state="link")
    with pytest.raises(ConflictError, match="is not empty"):
        run(host, "file", path="/srv/data", src="/srv/motd", state="link", force=True)


def test_a_link_without_src_must_be_there(host: FakeHost) -> None:
    assert not run(host, "file", path="/srv/data/link", state="link").changed
    with pytest.raises(InvalidInputError, match="needs src"):
        run(host, "file", path="/srv/motd", state="link")


def test_a_hard_link_is_the_same_file(host: FakeHost) -> None:
    assert run(host, "file", path="/srv/h", src="/srv/motd", state="hard").changed
    assert not run(host, "file", path="/srv/h", src="/srv/motd", state="hard").changed
    with pytest.raises(ConflictError, match="is another file"):
        run(host, "file", path="/srv/data/a", src="/srv/motd", state="hard")
    done = run(host, "file", path="/srv/data/deep", src="/srv/motd", state="hard")
    assert (done.values["dest"], done.values["state"]) == ("/srv/data/deep/motd", "hard")
    with pytest.raises(NotFoundError, match="no file '/srv/data' to link to"):
        run(host, "file", path="/srv/h2", src="/srv/data", state="hard")


def test_touch_makes_and_then_dates(host: FakeHost) -> None:
    assert described(run(host, "file", path="/srv/t", state="touch")) == ["make /srv/t (0 bytes)"]
    assert described(run(host, "file", path="/srv/t", state="touch")) == ["touch /srv/t"]
    assert host.files.nodes["/srv/t"].mtime > 0


def test_absent_removes_the_deepest_first(host: FakeHost) -> None:
    assert described(run(host, "file", path="/srv/data", state="absent")) == [
        "remove /srv/data/a",
        "remove /srv/data/deep/b",
        "remove directory /srv/data/deep",
        "remove link /srv/data/link",
        "remove directory /srv/data",
    ]
    assert run(host, "file", path="/srv/data", state="absent").values["state"] == "absent"


def test_a_large_file_is_not_kept_for_undo(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.tasks.paths.KEPT_SIZE", 3)
    (change,) = run(host, "file", path="/srv/motd", state="absent").changes
    assert change.inverse() is None


def test_a_home_is_expanded_and_the_rest_must_be_absolute(host: FakeHost) -> None:
    assert run(host, "file", path="~/x/", state="directory").values["path"] == "/root/x"
    with pytest.raises(InvalidInputError, match="'srv' is no absolute path"):
        run(host, "file", path="srv", state="directory")


def test_ansibles_values_are_returned(host: FakeHost) -> None:
    outcome = run(host, "file", path="/srv/motd", mode="0600", group="web")
    assert outcome.registered() == {
        "changed": True,
        "failed": False,
        "path": "/srv/motd",
        "uid": 0,
        "gid": 33,
        "owner": "root",
        "group": "web",
        "mode": "0600",
        "state": "file",
        "size": 6,
    }
