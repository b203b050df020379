import hashlib

import pytest

from support import task_cases
from support.fake_host import FakeHost, completed
from support.tasks import described, run
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError
from toolkit.tasks.host import Attributes


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.artifacts(made)
    return made


def test_new_content_keeps_owner_and_mode(host: FakeHost) -> None:
    run(host, "file", path="/srv/motd", owner="web", mode="0604")
    run(host, "copy", dest="/srv/motd", content="new\n")
    assert host.files.nodes["/srv/motd"].attributes == Attributes(mode=0o604, uid=33)


def test_content_and_mode_change_in_one_step(host: FakeHost) -> None:
    (change,) = run(host, "copy", dest="/srv/motd", content="new\n", mode="0600").changes
    assert change.describe() == "write /srv/motd (4 bytes)"
    assert host.files.nodes["/srv/motd"].attributes.mode == 0o600


def test_a_directory_takes_the_name_of_the_source(host: FakeHost) -> None:
    done = run(host, "copy", src="sha256:1#motd", dest="/srv/data")
    assert done.values["dest"] == "/srv/data/motd"
    assert host.files.read("/srv/data/motd") == b"from the play\n"
    done = run(host, "copy", src="sha256:1#motd", dest="/opt/deep/", directory_mode="0700")
    assert done.values["dest"] == "/opt/deep/motd"
    assert host.files.nodes["/opt/deep"].attributes.mode == 0o700


def test_content_has_no_name_for_a_directory(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="content has no name"):
        run(host, "copy", content="x", dest="/srv/data")


def test_a_backup_keeps_what_was_there(host: FakeHost) -> None:
    done = run(host, "copy", dest="/srv/motd", content="new\n", backup=True)
    assert host.files.read(done.values["backup_file"]) == b"hello\n"
    again = run(host, "copy", dest="/srv/motd", content="new\n", backup=True)
    assert "backup_file" not in again.values


def test_a_large_old_file_is_not_kept_for_undo(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.tasks.paths.KEPT_SIZE", 3)
    monkeypatch.setattr("toolkit.tasks.file_changes.BRIEF", 3)
    (change,) = run(host, "copy", dest="/srv/motd", content="new\n").changes
    assert change.inverse() is None


def test_without_force_what_is_there_stays(host: FakeHost) -> None:
    assert not run(host, "copy", dest="/srv/motd", content="new\n", force=False).changed
    assert run(host, "copy", dest="/srv/fresh", content="new\n", force=False).changed


def test_a_link_is_replaced_or_followed(host: FakeHost) -> None:
    run(host, "copy", dest="/srv/data/link", content="1\n", follow=True)
    assert host.files.read("/srv/data/a") == b"1\n"
    assert described(run(host, "copy", dest="/srv/data/link", content="2\n")) == [
        "remove link /srv/data/link",
        "make /srv/data/link (2 bytes)",
    ]
    assert host.files.read("/srv/data/a") == b"1\n"


def test_a_remote_source_may_hand_on_its_mode(host: FakeHost) -> None:
    run(host, "copy", src="/srv/data/a", dest="/srv/c", remote_src=True, mode="preserve")
    assert host.files.nodes["/srv/c"].attributes.mode == 0o600
    with pytest.raises(NotFoundError, match="no file '/srv/nope' on this host"):
        run(host, "copy", src="/srv/nope", dest="/srv/c", remote_src=True)
    with pytest.raises(InvalidInputError, match="'/srv/data' is a directory"):
        run(host, "copy", src="/srv/data", dest="/srv/c", remote_src=True)


def test_a_file_that_did_not_come_is_named(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="'motd' did not come with the play"):
        run(host, "copy", src="motd", dest="/srv/c")


def test_a_program_may_refuse_the_content(host: FakeHost) -> None:
    host.programs[("visudo", "-cf", "bad\n")] = completed(("visudo",), "syntax error", status=1)
    host.programs[("visudo", "-cf", "good\n")] = completed(("visudo",))
    with pytest.raises(ToolkitError, match="refuses the new content: syntax error"):
        run(host, "copy", dest="/etc/sudoers", content="bad\n", validate="visudo -cf %s")
    assert host.files.stat("/etc/sudoers") is None
    assert run(
        host, "copy", dest="/etc/sudoers", content="good\n", validate="visudo -cf %s"
    ).changed
    with pytest.raises(InvalidInputError, match="no '%s'"):
        run(host, "copy", dest="/etc/sudoers", content="x\n", validate="visudo")


def test_a_checksum_is_told_as_ansible_tells_it(host: FakeHost) -> None:
    done = run(host, "copy", dest="/srv/c", content="x\n")
    assert done.values["checksum"] == hashlib.sha1(b"x\n").hexdigest()
    assert done.values["mode"] == "0644"


def test_an_unknown_owner_is_refused_before_anything_is_written(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="there is no user 'nobody-here'"):
        run(host, "copy", dest="/srv/c", content="x\n", owner="nobody-here")
    assert host.files.stat("/srv/c") is None


def test_a_template_is_written_as_it_was_rendered(host: FakeHost) -> None:
    done = run(host, "template", src="sub/conf.j2", content="ä\n", dest="/srv/data/")
    assert done.values["dest"] == "/srv/data/conf.j2"
    assert host.files.read("/srv/data/conf.j2") == "ä\n".encode()


def test_a_template_may_have_other_line_ends_and_letters(host: FakeHost) -> None:
    run(
        host,
        "template",
        src="a",
        content="ä\n",
        dest="/srv/w",
        newline_sequence="\r\n",
        output_encoding="latin-1",
    )
    assert host.files.read("/srv/w") == b"\xe4\r\n"
    with pytest.raises(InvalidInputError, match="there is no encoding 'klingon'"):
        run(host, "template", src="a", dest="/srv/w", output_encoding="klingon")
