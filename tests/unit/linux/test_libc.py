import errno
import os
from pathlib import Path

import pytest

from toolkit.linux import libc
from toolkit.linux.mounts import MountFlag, mount, open_tree, umount
from toolkit.linux.namespaces import BY_OCI_NAME, PROC_NAME, NamespaceFlag, namespace_type, setns


def test_an_error_names_call_errno_and_path() -> None:
    with pytest.raises(OSError, match="umount: ") as caught:
        umount("/nothing/here")
    assert caught.value.errno in (errno.ENOENT, errno.EPERM)
    assert caught.value.filename == "/nothing/here"


def test_a_nul_in_a_path_is_refused_before_the_call() -> None:
    with pytest.raises(OSError, match="a NUL byte in the path") as caught:
        mount("none", "/tmp\0/x", "tmpfs")
    assert caught.value.errno == errno.EINVAL


def test_an_unknown_call_is_enosys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(libc.NUMBERS, "open_tree")
    with pytest.raises(OSError, match="open_tree: no number") as caught:
        open_tree("/")
    assert caught.value.errno == errno.ENOSYS


def test_a_constant_has_a_name_for_messages() -> None:
    assert libc.name_of(MountFlag, MountFlag.BIND) == "BIND"
    assert libc.name_of(MountFlag, 12345) == "12345"


def test_every_kind_of_namespace_has_its_names() -> None:
    assert set(BY_OCI_NAME.values()) == set(PROC_NAME)
    for name in PROC_NAME.values():
        assert Path(f"/proc/self/ns/{name}").exists()


def test_a_namespace_knows_its_kind() -> None:
    for flag, name in PROC_NAME.items():
        fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
        try:
            assert namespace_type(fd) == flag
        finally:
            os.close(fd)


def test_joining_no_namespace_fails() -> None:
    with pytest.raises(OSError, match="setns: ") as caught:
        setns(-1, NamespaceFlag.PID)
    assert caught.value.errno == errno.EBADF
