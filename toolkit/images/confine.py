"""Shuts the unpacking process into one directory: a root of its own and nothing else mounted."""

import errno
import os

from toolkit.linux.mounts import MountFlag, UmountFlag, mount, pivot_root, umount2
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.process import set_no_new_privs


def confine(directory: str) -> int:
    """Make ``directory`` this process's root; a descriptor of it.

    Without the right to do so the process stays where it is: then only openat2's rules hold it.
    """
    set_no_new_privs()
    if os.geteuid() == 0:
        try:
            unshare(NamespaceFlag.MOUNT)
        except PermissionError:
            pass  # root in a sandbox that forbids it
        else:
            _move_into(directory)
            directory = "/"
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _move_into(directory: str) -> None:
    mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    mount(directory, directory, flags=MountFlag.BIND)
    os.chdir(directory)
    try:
        pivot_root(".", ".")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        os.chroot(".")  # the machine still runs from its initramfs, which cannot be moved
    else:
        umount2(".", flags=UmountFlag.DETACH)
    os.chdir("/")
