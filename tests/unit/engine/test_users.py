import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine.users import Account, resolve_user

PASSWD = """root:x:0:0:root:/root:/bin/sh
web:x:33:33:web:/var/www:/bin/sh
2147483648:x:0:0:trap:/root:/bin/sh
99999999999:x:0:0:trap:/root:/bin/sh
broken
bad:x:-1:0:::
"""
GROUP = """root:x:0:root
web:x:33:
log:x:4:web,root
video:x:44:web
nonsense
"""


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(uid=0, gid=0, groups=(4,), home="/root")),
        ("root", Account(uid=0, gid=0, groups=(4,), home="/root")),
        ("web", Account(uid=33, gid=33, groups=(4, 44), home="/var/www")),
        ("33", Account(uid=33, gid=33, groups=(4, 44), home="/var/www")),
        ("web:video", Account(uid=33, gid=44, home="/var/www")),
        ("web:1234", Account(uid=33, gid=1234, home="/var/www")),
        ("1000", Account(uid=1000, gid=0)),
        ("1000:1000", Account(uid=1000, gid=1000)),
        (":log", Account(uid=0, gid=4, home="/root")),
    ],
)
def test_a_user_is_found_in_the_image(user: str, account: Account) -> None:
    assert resolve_user(user, PASSWD, GROUP) == account


@pytest.mark.parametrize("user", ["2147483648", "4294967295", "4294967296", "99999999999", "-1"])
def test_a_number_that_does_not_fit_is_never_a_name(user: str) -> None:
    with pytest.raises(InvalidInputError, match="ids are 0 to"):
        resolve_user(user, PASSWD, GROUP)


def test_an_unknown_name_is_not_root() -> None:
    with pytest.raises(InvalidInputError, match="no such user"):
        resolve_user("nobody", "", "")


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no group 'wheel'"):
        resolve_user("web:wheel", PASSWD, GROUP)


def test_root_needs_no_passwd() -> None:
    assert resolve_user("", "", "") == Account(uid=0, gid=0, home="/")
