"""``unarchive`` and ``assemble``, ``script`` and ``raw``."""

import io
import tarfile
import zipfile

import pytest

from support.fake_host import FakeHost, completed
from support.task_cases import fragments
from support.tasks import described, run
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.tasks.changes import to_data
from toolkit.tasks.host import HttpResponse
from toolkit.tasks.planned import PlannedHost


def tar(*entries: tuple[str, bytes, str]) -> bytes:
    """An archive of ``(name, type, target or content)``."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        for name, kind, text in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.uname, entry.uid = kind, "web", 7
            if kind == tarfile.REGTYPE:
                entry.size = len(text)
                made.addfile(entry, io.BytesIO(text.encode()))
            else:
                entry.linkname = text
                made.addfile(entry)
    return held.getvalue()


FILE, LINK, HARD = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    made.files.seed_directory("/opt")
    made.files.seed("/srv/a.tar", tar(("x/one", FILE, "1"), ("x/two", HARD, "x/one")))
    return made


def unpack(host: FakeHost, content: bytes, **more: object) -> list[str]:
    host.files.seed("/srv/a.tar", content)
    return described(run(host, "unarchive", src="/srv/a.tar", dest="/opt", remote_src=True, **more))


def test_an_archive_is_unpacked_with_its_owners_and_links(host: FakeHost) -> None:
    done = run(host, "unarchive", src="/srv/a.tar", dest="/opt", remote_src=True, list_files=True)
    assert done.values["files"] == ["x/one", "x/two"]
    assert host.files.nodes["/opt/x/one"] is host.files.nodes["/opt/x/two"]
    assert host.files.nodes["/opt/x/one"].attributes.uid == 33
    again = run(host, "unarchive", src="/srv/a.tar", dest="/opt", remote_src=True)
    assert not again.changed


def test_a_zip_is_an_archive_too(host: FakeHost) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("d/", "")
        made.writestr("d/f", "text")
    assert unpack(host, held.getvalue()) == [
        "make directory /opt/d (0775)",
        "make /opt/d/f (4 bytes)",
    ]


def test_members_are_chosen(host: FakeHost) -> None:
    content = tar(("a", FILE, "1"), ("d/b", FILE, "2"), ("d/e/c", FILE, "3"))
    assert unpack(host, content, include="d/b")[-1] == "make /opt/d/b (1 bytes)"
    assert unpack(host, content, exclude="d") == ["make /opt/a (1 bytes)"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("../out", FILE, "x")], "would lie outside"),
        ([("/etc/passwd", FILE, "x")], "would lie outside"),
        ([("a/../../out", FILE, "x")], "would lie outside"),
        ([("h", HARD, "../../etc/passwd")], "would lie outside"),
        ([("p", tarfile.FIFOTYPE, "")], "a device or a pipe"),
    ],
)
def test_what_would_leave_the_folder_is_refused(
    host: FakeHost, entries: list[tuple[str, bytes, str]], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        unpack(host, tar(*entries))


def test_nothing_goes_through_a_link_of_the_archive(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="'/opt/d' is a link"):
        unpack(host, tar(("d", LINK, "/etc"), ("d/cron", FILE, "x")))
    assert host.files.stat("/etc/cron") is None
    host.files.symlink("/opt/f", "/etc/passwd")
    unpack(host, tar(("f", FILE, "mine")))
    assert host.files.read("/opt/f") == b"mine"
    assert b"root" in host.files.read("/etc/passwd")


def test_an_archive_is_found_or_told(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="the folder '/nope' does not exist"):
        run(host, "unarchive", src="/srv/a.tar", dest="/nope", remote_src=True)
    with pytest.raises(NotFoundError, match="no archive '/srv/b' on this host"):
        run(host, "unarchive", src="/srv/b", dest="/srv", remote_src=True)
    with pytest.raises(NotFoundError, match="did not come with the play"):
        run(host, "unarchive", src="b.tar", dest="/srv")
    with pytest.raises(InvalidInputError, match="is no archive that can be read"):
        unpack(host, b"nothing")
    done = run(host, "unarchive", src="b.tar", dest="/srv", creates="/srv/a.tar")
    assert (done.changed, done.values["skipped"]) == (False, True)


def test_an_archive_comes_from_an_address(host: FakeHost) -> None:
    url = "https://web/a.tar"
    host.web["GET", url] = HttpResponse(status=200, body=tar(("f", FILE, "x")))
    assert run(host, "unarchive", src=url, dest="/srv", remote_src=True).changed
    assert host.files.read("/srv/f") == b"x"


def test_fragments_make_a_file() -> None:
    host = FakeHost()
    fragments(host)
    host.files.seed("/srv/parts/.hidden", "h\n")

    def whole(**more: object) -> bytes:
        run(host, "assemble", src="/srv/parts", dest="/srv/f", remote_src=True, **more)
        return host.files.read("/srv/f")

    assert whole(ignore_hidden=True) == b"a\nb"
    assert whole(regexp="^2") == b"b"
    assert whole(regexp="^[12]", delimiter="### next\\n") == b"a\n### next\nb\n"
    with pytest.raises(NotFoundError, match="no folder '/nope' of fragments"):
        run(host, "assemble", src="/nope", dest="/srv/f", remote_src=True)
    with pytest.raises(InvalidInputError, match="fragments of the controller are not sent"):
        run(host, "assemble", src="parts", dest="/srv/f")


def test_a_script_runs_and_leaves_nothing() -> None:
    host = FakeHost()
    host.artifacts["sha256:1"] = b"#!/bin/sh\necho $1\n"
    before = host.files.snapshot()
    done = run(host, "script", cmd="sha256:1#bin/setup.sh 'a b'", executable="bash -e")
    assert described(done) == ["run the script setup.sh a b"]
    ((*words, path, last),) = host.executed
    assert (words, last) == (["bash", "-e"], "a b")
    assert path.endswith("/setup.sh")
    assert host.files.snapshot() == before
    kept = to_data(done.changes[0])
    assert (kept["content"], kept["words"]) == ({"base64": ""}, [])
    assert done.values["rc"] == 0


def test_a_script_that_is_not_needed_or_not_there() -> None:
    host = FakeHost()
    host.artifacts["sha256:1"] = b""
    assert not run(host, "script", cmd="sha256:1#s", creates="/etc/passwd").changed
    with pytest.raises(NotFoundError, match=r"the script 's\.sh' did not come"):
        run(host, "script", cmd="s.sh")
    with pytest.raises(InvalidInputError, match="no closing quotation"):
        run(host, "script", cmd="s.sh 'x")
    planned = run(PlannedHost(host), "script", cmd="sha256:1#s")
    assert planned.values["skipped"]


def test_a_raw_line_needs_a_shell_only() -> None:
    host = FakeHost()
    argv = ("/bin/sh", "-c", "uname -r")
    host.programs[argv] = completed(argv, "6.1\n")
    assert run(host, "raw", _raw_params="uname -r").values["stdout"] == "6.1\n"
