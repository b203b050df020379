"""Which hosts need no connection."""

import pytest

from toolkit.core.errors import UnsupportedError
from toolkit.inventory.connection import is_local


def test_a_name_is_reached_by_ssh() -> None:
    assert not is_local("web1", {})
    assert not is_local("web1", {"ansible_connection": "ssh"})


def test_localhost_is_this_machine_unless_it_has_an_address() -> None:
    assert is_local("localhost", {})
    assert not is_local("localhost", {"ansible_host": "10.0.0.1"})
    assert not is_local("localhost", {"ansible_connection": "ssh"})
    assert is_local("here", {"ansible_connection": "local"})


def test_another_kind_of_connection_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'winrm' is not supported"):
        is_local("a", {"ansible_connection": "winrm"})
