import os
import socket
from pathlib import Path

import pytest

from support.fork import in_child
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.net import bring_loopback_up
from toolkit.linux.process import CapabilitySets as Sets
from toolkit.linux.process import (
    cap_ambient_clear,
    cap_ambient_is_set,
    cap_ambient_raise,
    cap_bset_drop,
    cap_bset_read,
    capget,
    capset,
    join_session_keyring,
    set_domainname,
    set_hostname,
)

pytestmark = pytest.mark.root
KILL = 5


def test_loopback_comes_up_with_its_address() -> None:
    def act() -> bytes:
        unshare(NamespaceFlag.NETWORK)
        bring_loopback_up()
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.create_connection(server.getsockname()) as client:
                client.send(b"hello")
            accepted, _ = server.accept()
            with accepted:
                return accepted.recv(10)

    assert in_child(act) == b"hello"


def test_loopback_without_the_right_says_so() -> None:
    def act() -> None:
        unshare(NamespaceFlag.NETWORK)
        os.setuid(65534)
        bring_loopback_up()

    with pytest.raises(PermissionError, match="ioctl SIOCSIFFLAGS") as caught:
        in_child(act)
    assert caught.value.filename == "lo"


def test_names_stay_in_their_namespace() -> None:
    before = os.uname().nodename

    def act() -> tuple[str, str]:
        unshare(NamespaceFlag.UTS)
        set_hostname("box")
        set_domainname("inside")
        return os.uname().nodename, Path("/proc/sys/kernel/domainname").read_text().strip()

    assert in_child(act) == ("box", "inside")
    assert os.uname().nodename == before


def test_a_session_keyring_of_its_own() -> None:
    def act() -> tuple[int, int]:
        return join_session_keyring(), join_session_keyring("named")

    first, second = in_child(act)
    assert first != second


def test_the_bounding_set_shrinks_for_good() -> None:
    def act() -> bool:
        cap_bset_drop(KILL)
        return cap_bset_read(KILL)

    assert cap_bset_read(KILL)
    assert not in_child(act)


def test_ambient_capabilities_survive_a_change_of_user() -> None:
    def act() -> tuple[bool, bool]:
        now = capget()
        inheritable = Sets(effective=now.effective, permitted=now.permitted, inheritable=1 << KILL)
        capset(inheritable)
        cap_ambient_raise(KILL)
        raised = cap_ambient_is_set(KILL)
        cap_ambient_clear()
        return raised, cap_ambient_is_set(KILL)

    assert in_child(act) == (True, False)
