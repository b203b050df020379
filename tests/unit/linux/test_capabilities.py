import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.linux import capabilities


def test_there_are_41_and_their_index_is_their_number() -> None:
    assert len(capabilities.NAMES) == 41
    assert capabilities.NUMBERS["CAP_CHOWN"] == 0
    assert capabilities.NUMBERS["CAP_NET_RAW"] == 13
    assert capabilities.NUMBERS["CAP_SYS_ADMIN"] == 21
    assert capabilities.NUMBERS["CAP_MKNOD"] == 27
    assert capabilities.NUMBERS["CAP_SETFCAP"] == 31
    assert capabilities.NUMBERS["CAP_CHECKPOINT_RESTORE"] == 40


@pytest.mark.parametrize("name", ["net_admin", "NET_ADMIN", "CAP_NET_ADMIN", "cap_net_admin"])
def test_every_spelling_becomes_one(name: str) -> None:
    assert capabilities.canonical(name) == "CAP_NET_ADMIN"


def test_an_unknown_name_hints_at_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match="unknown capability 'net_admim'") as caught:
        capabilities.canonical("net_admim")
    assert caught.value.hint == "did you mean 'CAP_NET_ADMIN'?"


def test_mask_and_names_are_inverse() -> None:
    mask = capabilities.mask(["kill", "CAP_CHOWN", "KILL"])
    assert mask == 0b100001
    assert capabilities.names(mask) == ("CAP_CHOWN", "CAP_KILL")
    assert capabilities.mask(capabilities.names(2**41 - 1)) == 2**41 - 1


def test_bits_without_a_name_are_left_out() -> None:
    assert capabilities.names(1 << 63 | 1) == ("CAP_CHOWN",)


def test_the_kernel_knows_a_last_one() -> None:
    assert capabilities.last_cap() >= 36
