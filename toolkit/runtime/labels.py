"""Labels of mandatory access control: AppArmor's profiles and SELinux's contexts.

A label is written into ``/proc/self/attr`` and counts from the next exec on. The file is opened
while ``/proc`` is still the host's, before any path leads into the container: there a label could
be written into a file that only looks like it (CVE-2019-19921, CVE-2025-52881).
"""

from __future__ import annotations

import os

from toolkit.core.errors import InvalidInputError, UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.oci.spec import Process

_APPARMOR = "sys/module/apparmor/parameters/enabled"
_SELINUX = "sys/fs/selinux/enforce"
_APPARMOR_FILES = ("proc/self/attr/apparmor/exec", "proc/self/attr/exec")
_SELINUX_FILES = ("proc/self/attr/exec",)
_UNCONFINED = "unconfined"


def has_apparmor(top: str = "/") -> bool:
    """Whether this kernel confines programs by AppArmor."""
    try:
        with open(f"{top}{_APPARMOR}", encoding="ascii") as file:
            return file.read(1) == "Y"
    except FileNotFoundError:
        return False


def has_selinux(top: str = "/") -> bool:
    """Whether this kernel confines programs by SELinux."""
    return os.path.exists(f"{top}{_SELINUX}")


def check(process: Process, at: str = "process", top: str = "/") -> None:
    """``UnsupportedError`` for a label that nothing here would enforce."""
    profile = process.apparmor_profile
    if profile and profile != _UNCONFINED and not has_apparmor(top):
        raise UnsupportedError(
            f"{at}.apparmorProfile: '{profile}' cannot be applied: AppArmor is not enabled here",
            hint="boot with apparmor=1 security=apparmor, or leave the profile out",
        )
    if process.selinux_label:
        check_selinux(process.selinux_label, f"{at}.selinuxLabel", top)
    if profile and process.selinux_label:
        raise InvalidInputError(f"{at}.selinuxLabel: a process has this or an AppArmor profile")


def check_selinux(label: str, at: str, top: str = "/") -> None:
    """The same for one context of SELinux."""
    if not has_selinux(top):
        raise UnsupportedError(
            f"{at}: '{label}' cannot be applied: SELinux is not enabled here",
            hint="boot with selinux=1 security=selinux, or leave the label out",
        )


def writer(process: Process, top: str = "/") -> Callable[[], None]:
    """Opens what the label is written to; the function that writes it, just before exec."""
    if process.selinux_label:
        return _writer(process.selinux_label, _SELINUX_FILES, top)
    if process.apparmor_profile and has_apparmor(top):
        return _writer(f"exec {process.apparmor_profile}", _APPARMOR_FILES, top)
    return lambda: None


def _writer(text: str, files: tuple[str, ...], top: str) -> Callable[[], None]:
    path = next((name for name in files if os.path.exists(f"{top}{name}")), files[-1])
    fd = os.open(f"{top}{path}", os.O_WRONLY | os.O_CLOEXEC)

    def write() -> None:
        try:
            os.write(fd, text.encode())
        except OSError as error:
            raise OSError(error.errno, f"label: {error.strerror}", text) from None
        finally:
            os.close(fd)

    return write
