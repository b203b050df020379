import pytest

from toolkit.linux.mount_options import KNOWN, MountOptions, parse_options
from toolkit.linux.mounts import MountAttr, MountFlag

F = MountFlag
A = MountAttr


def test_nothing_asks_for_nothing() -> None:
    assert parse_options(()) == MountOptions()
    assert parse_options(("defaults",)) == MountOptions()


def test_a_bind_with_flags_and_propagation() -> None:
    parsed = parse_options(("rbind", "ro", "nosuid", "rprivate"))
    assert parsed.flags == F.BIND | F.REC | F.RDONLY | F.NOSUID
    assert parsed.propagation == (F.PRIVATE | F.REC,)
    assert parsed.bind
    assert parsed.recursive
    assert parsed.data == ""


def test_a_plain_bind_is_not_recursive() -> None:
    assert not parse_options(("bind",)).recursive


@pytest.mark.parametrize(
    ("options", "flags", "clear"),
    [
        (("ro", "rw"), F.NONE, F.RDONLY),
        (("rw", "ro"), F.RDONLY, F.NONE),
        (("nosuid", "suid", "noexec"), F.NOEXEC, F.NOSUID),
        (("relatime", "norelatime"), F.NONE, F.RELATIME),
        (("sync", "async"), F.NONE, F.SYNCHRONOUS),
    ],
)
def test_the_later_of_two_words_counts(options: tuple[str, ...], flags: int, clear: int) -> None:
    parsed = parse_options(options)
    assert (parsed.flags, parsed.clear) == (flags, clear)


def test_propagations_keep_their_order() -> None:
    parsed = parse_options(("slave", "rshared"))
    assert parsed.propagation == (F.SLAVE, F.SHARED | F.REC)


def test_what_is_unknown_is_the_file_systems_own() -> None:
    parsed = parse_options(("nodev", "size=64m", "mode=1777", "mpol=x"))
    assert parsed.data == "size=64m,mode=1777,mpol=x"
    assert parsed.flags == F.NODEV


def test_recursive_attributes() -> None:
    parsed = parse_options(("rbind", "rro", "rnosuid", "rnodev", "rsuid"))
    assert parsed.recursive_set == A.RDONLY | A.NODEV
    assert parsed.recursive_clear == A.NOSUID


def test_a_recursive_access_time_clears_the_whole_field() -> None:
    parsed = parse_options(("rnoatime", "rstrictatime"))
    assert parsed.recursive_set == A.STRICTATIME
    assert parsed.recursive_clear == A.ATIME


def test_flags_as_attributes_of_a_bind() -> None:
    attr_set, attr_clear = parse_options(("bind", "ro", "dev", "noatime")).attributes()
    assert attr_set == A.RDONLY | A.NOATIME
    assert attr_clear == A.NODEV | A.ATIME


def test_a_cleared_access_time_falls_back_to_relatime() -> None:
    assert parse_options(("atime",)).attributes() == (A.NONE, A.ATIME)
    assert parse_options(("relatime",)).attributes() == (A.NONE, A.ATIME)
    assert parse_options(("nosymfollow",)).attributes() == (A.NOSYMFOLLOW, A.NONE)


def test_copy_up_is_no_data() -> None:
    parsed = parse_options(("tmpcopyup", "size=1m"))
    assert parsed.copy_up
    assert parsed.data == "size=1m"


@pytest.mark.parametrize("name", ["idmap", "ridmap"])
def test_an_id_map_is_told_by_its_name(name: str) -> None:
    assert parse_options(("rbind", name)).idmap == name


def test_no_known_name_ends_up_in_data() -> None:
    for name in KNOWN:
        assert parse_options((name,)).data == ""
