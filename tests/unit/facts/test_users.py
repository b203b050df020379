import pytest

from support.fake_host import FakeHost, completed
from toolkit.core.errors import NotFoundError
from toolkit.facts import users


def test_names_and_numbers_lead_to_each_other() -> None:
    host = FakeHost()
    assert users.user_id(host, "web") == 33
    assert users.group_id(host, "web") == 33
    assert users.user_name(host, 33) == "web"
    assert users.group_name(host, 4711) == "4711"


def test_a_number_is_taken_as_it_is() -> None:
    assert users.user_id(FakeHost(), "4711") == 4711


def test_a_directory_service_is_asked_last() -> None:
    host = FakeHost()
    argv = ("getent", "passwd", "ann")
    host.programs[argv] = completed(argv, "ann:*:10001:10001:Ann:/home/ann:/bin/zsh\n")
    assert users.user_id(host, "ann") == 10001
    assert users.home(host, "ann") == "/home/ann"


def test_nobody_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="there is no user 'ann' on this host"):
        users.user_id(FakeHost(), "ann")
    with pytest.raises(NotFoundError, match="there is no user 'ann'"):
        users.home(FakeHost(), "ann")


def test_a_user_has_a_home() -> None:
    assert users.home(FakeHost(), "root") == "/root"
