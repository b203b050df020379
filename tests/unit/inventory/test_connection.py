"""From ``ansible_*`` variables to a connection."""

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.inventory.connection import connection


def test_what_is_not_said_is_left_to_ssh() -> None:
    made = connection("web1", {})
    assert (made.address, made.local, made.port, made.user) == ("web1", False, None, None)


def test_every_variable_has_its_place() -> None:
    made = connection(
        "web1",
        {
            "ansible_host": "10.0.0.1",
            "ansible_port": "2222",
            "ansible_user": "root",
            "ansible_ssh_private_key_file": "/k",
        },
    )
    assert (made.address, made.port, made.user, made.key_file) == ("10.0.0.1", 2222, "root", "/k")


def test_localhost_is_this_machine_unless_it_has_an_address() -> None:
    assert connection("localhost", {}).local
    assert not connection("localhost", {"ansible_host": "10.0.0.1"}).local
    assert not connection("localhost", {"ansible_connection": "ssh"}).local
    assert connection("here", {"ansible_connection": "local"}).local


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'70000' is no port"):
        connection("a", {"ansible_port": 70000})
    with pytest.raises(UnsupportedError, match="'winrm' is not supported"):
        connection("a", {"ansible_connection": "winrm"})
