"""What filters let through and what not: asked of a BPF machine, then of the kernel."""

import errno
import json
import os
import select
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.bpf import ALLOW, I386, X32_BIT, Call, errno_of, run
from support.fork import in_child
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.defaults import CAPABILITIES as DOCKER
from toolkit.linux.libc import check, libc
from toolkit.linux.process import set_no_new_privs
from toolkit.linux.seccomp import load
from toolkit.runtime import seccomp
from toolkit.runtime.seccomp import compile_profile

ONLY_X86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers are x86-64's")
pytestmark = ONLY_X86_64

# x86-64 numbers, so that the tests do not ask libseccomp what it just answered
CALLS = {
    "read": 0,
    "socket": 41,
    "clone": 56,
    "execve": 59,
    "mkdir": 83,
    "chmod": 90,
    "ptrace": 101,
    "personality": 135,
    "ustat": 136,
    "sysfs": 139,
    "pivot_root": 155,
    "chroot": 161,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "reboot": 169,
    "iopl": 172,
    "init_module": 175,
    "quotactl": 179,
    "epoll_create": 213,
    "clock_settime": 227,
    "mbind": 237,
    "set_mempolicy": 238,
    "get_mempolicy": 239,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "migrate_pages": 256,
    "unshare": 272,
    "move_pages": 279,
    "perf_event_open": 298,
    "open_by_handle_at": 304,
    "setns": 308,
    "kcmp": 312,
    "memfd_create": 319,
    "bpf": 321,
    "userfaultfd": 323,
    "statx": 332,
    "rseq": 334,
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "pidfd_open": 434,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "landlock_create_ruleset": 444,
    "futex_waitv": 449,
}
DENIED = """
ustat sysfs pivot_root settimeofday mount umount2 swapon reboot iopl init_module quotactl
clock_settime mbind set_mempolicy get_mempolicy kexec_load add_key request_key keyctl
migrate_pages unshare move_pages perf_event_open open_by_handle_at setns kcmp bpf userfaultfd
io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig
pidfd_getfd process_madvise mount_setattr quotactl_fd
"""
ALLOWED = """
read execve mkdir chmod ptrace chroot epoll_create memfd_create statx rseq pidfd_send_signal
pidfd_open openat2 landlock_create_ruleset futex_waitv
"""
MUST_WORK = "futex_waitv landlock_create_ruleset rseq openat2 statx"


def ask(program: bytes, name: str, *args: int, architecture: int = 0xC000003E) -> int:
    call = Call(number=CALLS[name], args=args, architecture=architecture)
    return errno_of(run(program, call))


def call(number: int, *args: int) -> int:
    """The errno of the kernel's answer, or 0."""
    try:
        check("call", libc.syscall(number, *args))
    except OSError as error:
        return error.errno or -1
    return 0


@pytest.fixture(scope="module")
def default() -> bytes:
    return compile_profile(None, DOCKER)


@pytest.mark.parametrize("name", DENIED.split())
def test_denied_by_default(default: bytes, name: str) -> None:
    assert ask(default, name) == errno.EPERM


@pytest.mark.parametrize("name", ALLOWED.split())
def test_allowed_by_default(default: bytes, name: str) -> None:
    assert ask(default, name) == 0


def test_clone3_looks_as_if_the_kernel_lacked_it(default: bytes) -> None:
    assert ask(default, "clone3") == errno.ENOSYS
    assert ask(compile_profile(None, ("CAP_SYS_ADMIN",)), "clone3") == 0


def test_clone_may_make_threads_but_no_namespaces(default: bytes) -> None:
    assert ask(default, "clone", 0x11) == 0
    assert ask(default, "clone", 0x3D0F00) == 0  # what pthread_create asks for
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert ask(default, "clone", flag | 0x11) == errno.EPERM


def test_personality_knows_five_values(default: bytes) -> None:
    for value in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF):
        assert ask(default, "personality", value) == 0
    assert ask(default, "personality", 0x0040000) == errno.EPERM


@pytest.mark.parametrize(("family", "expected"), [(1, 0), (2, 0), (10, 0), (16, 0), (17, 0)])
def test_common_sockets(default: bytes, family: int, expected: int) -> None:
    assert ask(default, "socket", family, 1) == expected


@pytest.mark.parametrize("family", [12, 38, 40, 46, 255])
def test_sockets_that_are_refused(default: bytes, family: int) -> None:
    assert ask(default, "socket", family, 1) == errno.EPERM


@pytest.mark.parametrize(
    ("capability", "names"),
    [
        ("CAP_SYS_ADMIN", "mount umount2 unshare setns open_tree fsopen bpf quotactl_fd"),
        ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"),
        ("CAP_SYS_TIME", "settimeofday clock_settime"),
        ("CAP_SYS_MODULE", "init_module"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_NICE", "mbind set_mempolicy get_mempolicy"),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
        ("CAP_SYS_RAWIO", "iopl"),
    ],
)
def test_a_capability_opens_its_calls(default: bytes, capability: str, names: str) -> None:
    program = compile_profile(None, (*DOCKER, capability))
    for name in names.split():
        assert ask(program, name) == 0
        assert ask(default, name) == errno.EPERM


def test_chroot_goes_with_its_capability() -> None:
    assert ask(compile_profile(None, ()), "chroot") == errno.EPERM


def test_other_ways_into_the_kernel_are_filtered_too(default: bytes) -> None:
    x32 = Call(number=CALLS["mount"] | X32_BIT)
    assert errno_of(run(default, x32)) == errno.EPERM
    assert errno_of(run(default, Call(number=CALLS["read"] | X32_BIT))) == 0
    i386_mount, i386_read, i386_unshare = 21, 3, 310
    for number, expected in ((i386_mount, 1), (i386_read, 0), (i386_unshare, 1)):
        assert errno_of(run(default, Call(number=number, architecture=I386))) == expected


def test_an_unknown_machine_is_no_way_around(default: bytes) -> None:
    assert run(default, Call(number=0, architecture=0xC00000B7)) not in (ALLOW,)


def test_calls_of_the_future_are_unknown_not_refused(default: bytes) -> None:
    assert errno_of(run(default, Call(number=900))) == errno.ENOSYS
    assert errno_of(run(default, Call(number=900, architecture=I386))) == errno.ENOSYS
    assert errno_of(run(default, Call(number=-1))) == errno.EPERM
    assert errno_of(run(default, Call(number=900 | X32_BIT))) == errno.EPERM


def test_an_empty_profile_is_the_default_one(default: bytes) -> None:
    assert compile_profile({}, DOCKER) == default


def oci(*syscalls: Mapping[str, Any], default: str = "SCMP_ACT_ALLOW", **more: Any) -> bytes:
    profile = {"defaultAction": default, "syscalls": list(syscalls), **more}
    return compile_profile(profile, ())


def test_a_profile_of_ones_own() -> None:
    program = oci({"names": ["chmod"], "action": "SCMP_ACT_ERRNO"})
    assert ask(program, "chmod") == errno.EPERM
    assert ask(program, "mount") == 0


def test_errnos_of_rules_and_of_the_default() -> None:
    rule = {"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EACCES}
    read = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    program = oci(rule, read, default="SCMP_ACT_ERRNO", defaultErrnoRet=errno.ENXIO)
    assert ask(program, "chmod") == errno.EACCES
    assert ask(program, "mkdir") == errno.ENXIO
    assert ask(program, "futex_waitv") == errno.ENXIO
    assert errno_of(run(program, Call(number=900))) == errno.ENOSYS


def test_kill_is_kill() -> None:
    program = oci({"names": ["mkdir"], "action": "SCMP_ACT_KILL_PROCESS"})
    assert run(program, Call(number=CALLS["mkdir"])) == 0x80000000


def test_conditions_are_compared() -> None:
    args = [{"index": 1, "value": 0o111, "valueTwo": 0o100, "op": "SCMP_CMP_MASKED_EQ"}]
    program = oci({"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "args": args})
    assert ask(program, "chmod", 0, 0o744) == errno.EPERM
    assert ask(program, "chmod", 0, 0o755) == 0


def test_two_conditions_on_one_argument_are_alternatives() -> None:
    args = [
        {"index": 0, "value": 5, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 7, "op": "SCMP_CMP_EQ"},
    ]
    program = oci({"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": args})
    assert [ask(program, "read", value) for value in (5, 6, 7)] == [1, 0, 1]


def test_names_that_nobody_knows_are_left_out() -> None:
    program = oci({"names": ["no_such_call", "chmod"], "action": "SCMP_ACT_ERRNO"})
    assert ask(program, "chmod") == errno.EPERM


def test_architectures_asked_for_are_filtered() -> None:
    rule = {"names": ["mount"], "action": "SCMP_ACT_ERRNO"}
    program = oci(rule, architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    assert errno_of(run(program, Call(number=21, architecture=I386))) == errno.EPERM


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"defaultAction": "SCMP_ACT_ALOW"}, r"linux\.seccomp\.defaultAction: unknown action"),
        (
            {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]},
            "unknown name 'SCMP_ARCH_VAX'",
        ),
    ],
)
def test_faults_are_named(profile: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        compile_profile(profile, ())


def test_without_libseccomp_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(UnsupportedError, match="need libseccomp") as caught:
        compile_profile({"defaultAction": "SCMP_ACT_LOG"}, ())
    assert "libseccomp2" in caught.value.hint


def test_programs_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "filters"
    monkeypatch.setattr(seccomp, "_KNOWN", {})
    program = compile_profile(None, DOCKER, cache_dir=str(folder))
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(seccomp, "_KNOWN", {})
    monkeypatch.setitem(sys.modules, "pyseccomp", None)  # so it cannot be compiled again
    assert compile_profile(None, DOCKER, cache_dir=str(folder)) == program


def test_a_kept_program_of_another_key_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "_KNOWN", {})
    tmp_path.chmod(0o700)
    compile_profile(None, DOCKER, cache_dir=str(tmp_path))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"another key\0" + b"\x06\0\0\0\0\0\xff\x7f")
    monkeypatch.setattr(seccomp, "_KNOWN", {})
    assert len(compile_profile(None, DOCKER, cache_dir=str(tmp_path))) > 8


def test_a_folder_that_others_may_write_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "_KNOWN", {})
    tmp_path.chmod(0o777)
    compile_profile(None, DOCKER, cache_dir=str(tmp_path))
    compile_profile({"defaultAction": "SCMP_ACT_LOG"}, (), cache_dir="/no/such/folder")
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_takes_the_filter_and_obeys(default: bytes) -> None:
    """Arguments are such that an unfiltered kernel would answer otherwise."""

    def act() -> dict[str, int]:
        set_no_new_privs()
        load(default)
        answers = {
            "unshare": call(CALLS["unshare"], 0),
            "keyctl": call(CALLS["keyctl"], -1),
            "clone3": call(CALLS["clone3"], 0, 0),
            "personality": call(CALLS["personality"], 0x0040000),
            "future": call(900),
        }
        for family in (socket.AF_VSOCK, socket.AF_ALG):
            answers[family.name] = call(CALLS["socket"], family, socket.SOCK_SEQPACKET, 0)
        return answers

    assert in_child(act) == {
        "unshare": errno.EPERM,
        "keyctl": errno.EPERM,
        "clone3": errno.ENOSYS,
        "personality": errno.EPERM,
        "future": errno.ENOSYS,
        "AF_VSOCK": errno.EPERM,
        "AF_ALG": errno.EPERM,
    }


def test_what_must_work_works_under_the_filter(default: bytes) -> None:

    def act() -> list[str]:
        set_no_new_privs()
        load(default)
        refused = [
            name for name in MUST_WORK.split() if call(CALLS[name], 0, 0, 0, 0, 0) == errno.EPERM
        ]
        os.close(os.pidfd_open(os.getpid()))
        os.close(os.memfd_create("x"))
        select.epoll().close()
        with socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET):
            pass
        pid = os.fork()
        if pid == 0:
            os.execv("/bin/true", ("true",))
        assert os.waitpid(pid, 0)[1] == 0
        return refused

    assert in_child(act) == []


def test_the_kernel_refuses_what_is_no_program() -> None:
    for program in (b"", b"1234567", b"x" * 8 * 5000):
        with pytest.raises(OSError, match="seccomp: ") as caught:
            load(program)
        assert caught.value.errno == errno.EINVAL


def test_a_profile_survives_json(default: bytes) -> None:
    profile = json.loads(json.dumps({"defaultAction": "SCMP_ACT_LOG", "syscalls": None}))
    assert run(compile_profile(profile, ()), Call(number=0)) == 0x7FFC0000
    del default
