import pytest

from support.fake_host import FakeHost
from toolkit.core.errors import CommandError, ConflictError, InvalidInputError
from toolkit.net.model import Link
from toolkit.tasks.changes import Change, as_text, from_data, to_data
from toolkit.tasks.file_changes import (
    BRIEF,
    Content,
    MakeDirectory,
    MakeHardLink,
    MakeLink,
    RemoveFile,
    SetAttributes,
    SetTimes,
    WriteFile,
)
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.net_changes import (
    AddAddress,
    CreateBridge,
    DeleteBridge,
    RemoveAddress,
    SetLinkUp,
    SetMtu,
    SetStp,
)
from toolkit.tasks.system_changes import (
    ChangeUnit,
    InstallPackages,
    LoadModule,
    RemovePackages,
    RunCommand,
    SetSysctl,
)

PLAIN = Attributes(mode=0o644)


def content(data: bytes, mode: int = 0o644) -> Content:
    return Content(data=data, attributes=Attributes(mode=mode))


CHANGES: list[Change] = [
    WriteFile(path="/srv/new", new=content(b"\xff\x00", 0o600)),
    WriteFile(path="/srv/a", new=content(b"new"), old=content(b"old")),
    RemoveFile(path="/srv/a", old=content(b"old")),
    MakeDirectory(path="/srv/d", attributes=Attributes(mode=0o700)),
    MakeLink(path="/srv/l", target="a"),
    MakeHardLink(path="/srv/h", target="/srv/a"),
    SetAttributes(path="/srv/a", new=Attributes(mode=0o600, uid=33), old=PLAIN),
    SetTimes(path="/srv/a", new=5.0, old=0.0),
    CreateBridge(name="br1"),
    AddAddress(name="br0", address="10.0.0.1/24"),
    SetLinkUp(name="br0"),
    SetMtu(name="br0", new=1400, old=1500),
    SetStp(name="br0", on=True),
    SetSysctl(name="net.ipv4.ip_forward", new="1", old="0"),
    LoadModule(name="overlay"),
    InstallPackages(names=("jq",), new=("jq=1.6",)),
    RemovePackages(names=("curl",), old=("curl=7",)),
    ChangeUnit(name="cron.service", action="enable"),
    ChangeUnit(name="cron.service", action="start"),
]


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    made.files.seed("/srv/a", "old")
    made.net.create_bridge("br0")
    made.kernel.seed_sysctl("net.ipv4.ip_forward", "0")
    made.packages.versions = {"curl": "7"}
    made.packages.available = {"jq": "1.6", "curl": "7"}
    made.services.seed("cron.service")
    return made


def test_the_fake_host_is_a_host(host: Host) -> None:
    assert host.files.read("/srv/a") == b"old"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.describe())
def test_the_inverse_leads_back(change: Change, host: FakeHost) -> None:
    def state() -> object:
        return (
            host.files.snapshot(),
            {name: node.mtime for name, node in host.files.nodes.items()},
            dict(host.net.by_name),
            dict(host.packages.versions),
            dict(host.services.units),
        )

    before = state()
    change.apply(host)
    after = state()
    assert after != before
    back = change.inverse()
    assert back is not None
    back.apply(host)
    assert state() == before
    again = back.inverse()
    assert again is not None
    again.apply(host)
    assert state() == after


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.describe())
def test_the_journal_keeps_a_change_whole(change: Change) -> None:
    assert from_data(to_data(change)) == change


def test_the_journal_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InvalidInputError, match="unknown kind 'fly'"):
        from_data({"kind": "fly"})
    with pytest.raises(InvalidInputError, match="is no kind of change"):
        from_data(to_data(CHANGES[0])["new"])


def test_a_difference_is_text_even_of_bytes() -> None:
    shown = CHANGES[0].difference()
    assert shown is not None
    assert "binary, 2 bytes, sha256" in shown.after
    assert as_text(b"a\0b").startswith("(binary, 3 bytes")


def test_a_unified_difference_names_the_path() -> None:
    shown = CHANGES[1].difference()
    assert shown is not None
    assert shown.unified().splitlines() == [
        "--- /srv/a",
        "+++ /srv/a",
        "@@ -1 +1 @@",
        "-old",
        "+new",
    ]


def test_a_journal_holds_no_large_new_content(host: FakeHost) -> None:
    large = content(b"x" * (BRIEF + 1))
    for change in (
        WriteFile(path="/srv/big", new=large),
        WriteFile(path="/srv/a", new=large, old=content(b"old")),
    ):
        change.apply(host)
        back = change.inverse()
        assert isinstance(back, RemoveFile | WriteFile)
        assert len(str(to_data(back))) < 1000
        assert back.old is not None
        assert back.old.holds(large.data)
        assert not back.old.holds(large.data + b"later")
        assert back.inverse() is None, "what was not kept cannot be written again"
        back.apply(host)
    assert host.files.read("/srv/a") == b"old"
    assert host.files.stat("/srv/big") is None


def test_a_command_that_fails_says_so(host: FakeHost) -> None:
    argv = ("false",)
    host.programs[argv] = host.run(argv)
    with pytest.raises(CommandError, match="'false' ended with status 127"):
        RunCommand(argv=argv).apply(host)
    assert RunCommand(argv=argv, ok=()).apply(host)
    assert RunCommand(argv=argv).inverse() is None


def test_a_bridge_that_got_ports_is_not_taken_back(host: FakeHost) -> None:
    host.net.by_name["veth1"] = Link(name="veth1", kind="veth", master="br0")
    host.net.add_address("br0", "10.0.0.1/24")
    host.net.set_up("br0")
    for change in (
        SetLinkUp(name="br0", up=False),
        RemoveAddress(name="br0", address="10.0.0.1/24"),
        DeleteBridge(name="br0"),
    ):
        with pytest.raises(ConflictError, match="bridge 'br0' is in use by veth1"):
            change.apply(host)
    assert host.net.by_name["br0"].up
    assert host.net.by_name["br0"].addresses == ("10.0.0.1/24",)


def test_a_package_that_others_need_now_is_not_taken_back(host: FakeHost) -> None:
    host.packages.versions |= {"libcurl4": "7"}
    host.packages.needed_by = {"libcurl4": ("curl",)}
    with pytest.raises(ConflictError, match="removing libcurl4 would also remove curl"):
        RemovePackages(names=("libcurl4",), old=("libcurl4=7",)).apply(host)
    assert "libcurl4" in host.packages.versions
    RemovePackages(names=("libcurl4",), old=("libcurl4=7", "curl=7")).apply(host)
    assert "libcurl4" not in host.packages.versions


def test_an_upgrade_cannot_be_taken_back() -> None:
    assert InstallPackages(names=("a",), new=("a=2",), old=("a=1",)).inverse() is None
    assert RemovePackages(names=("a",), old=("a=1",), purge=True).inverse() is None
