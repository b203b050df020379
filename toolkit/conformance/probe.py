"""Runs inside a container, alone: looks at everything a check wants to know, prints one document.

Self-contained, standard library only, Python 3.9 or later; started as ``python3 -I -S -c SOURCE
MODE ORDER``. ``ORDER`` is JSON and says which paths to look at and what work to do. ``init`` is the
container's first process: it keeps its document in a file and then waits to be killed. ``exec``
is a process that was added: it prints ``{"init": …, "exec": …}``. ``status N`` exits with N.

Nothing here can do harm where isolation is missing: files are opened for writing but never
written, and each system call has arguments that fail on an unprotected host too (with another
errno, which is what a check tells apart). The argument sets were tried on Linux 6.18.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - runs inside a container, where toolkit.linux does not exist
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import stat
import struct
import sys
import time
from functools import partial
from typing import Any, Callable  # noqa: UP035 - runs on Python 3.9 too

KEPT = "dockyard-probe.json"
PLACES = ("/dev/shm", "/tmp", "/run", "/var/tmp", "/")  # noqa: S108 - the first one that exists
HELD = 300.0
NOWHERE = ("192.0.2.1", "2001:db8::1")  # for documentation: RFC 5737, RFC 3849
LIBC = ctypes.CDLL(None, use_errno=True)
# name: (x86-64, aarch64); -1 where the architecture has no such call.
NUMBERS = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "open_tree": (428, 428), "mount_setattr": (442, 442), "fsconfig": (431, 431),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "clone3": (435, 435),
    "kcmp": (312, 272), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "get_mempolicy": (239, 236), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "open_by_handle_at": (304, 265), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "swapon": (167, 224), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "personality": (135, 92),
    "ustat": (136, -1), "sysfs": (139, -1), "syslog": (103, 116), "init_module": (175, 105),
    "ptrace": (101, 117), "sethostname": (170, 161), "prctl": (157, 167), "shmget": (29, 194),
    "reboot": (169, 142), "kexec_load": (246, 104), "futex_waitv": (449, 449),
    "landlock_create_ruleset": (444, 444), "pidfd_open": (434, 434), "memfd_create": (319, 279),
    "openat2": (437, 437), "statx": (332, 291), "rseq": (334, 293),
}  # fmt: skip
ARCHITECTURE = {"x86_64": 0, "aarch64": 1}.get(os.uname().machine, -1)
CLONE_NEWUSER, CLONE_NEWUTS = 0x10000000, 0x04000000
# What a filter is known by: each fails on a bare kernel with something other than EPERM.
FILTERED: dict[str, tuple[Any, ...]] = {
    "unshare": ("unshare", 0), "setns": ("setns", -1, 0), "mount": ("mount", 0, 0, 0, 0, 0),
    "umount2": ("umount2", 0, -1), "open_tree": ("open_tree", -1, 0, 0),
    "mount_setattr": ("mount_setattr", -1, 0, 0, 0, 0), "fsconfig": ("fsconfig", -1, 0, 0, 0, 0),
    "keyctl": ("keyctl", -1, 0, 0, 0, 0), "add_key": ("add_key", 0, 0, 0, 0, 0),
    "request_key": ("request_key", 0, 0, 0, 0), "bpf": ("bpf", -1, 0, 0),
    "perf_event_open": ("perf_event_open", 0, 0, -1, -1, -1), "userfaultfd": ("userfaultfd", -1),
    "io_uring_setup": ("io_uring_setup", 0, 0),
    "io_uring_enter": ("io_uring_enter", -1, 0, 0, 0, 0),
    "io_uring_register": ("io_uring_register", -1, 0, 0, 0), "clone3": ("clone3", 0, 0),
    "kcmp": ("kcmp", -1, -1, 0, 0, 0), "set_mempolicy": ("set_mempolicy", -1, 0, 0),
    "get_mempolicy": ("get_mempolicy", 0, 0, 0, 0, 0), "mbind": ("mbind", 1, 0, 0, 0, 0, -1),
    "move_pages": ("move_pages", 0, 0, 0, 0, 0, 0), "migrate_pages": ("migrate_pages", -1, 0, 0, 0),
    "open_by_handle_at": ("open_by_handle_at", -1, 0, 0), "settimeofday": ("settimeofday", 1, 0),
    "clock_settime": ("clock_settime", 99, 0), "swapon": ("swapon", 0, -1),
    "quotactl": ("quotactl", -1, 0, 0, 0), "quotactl_fd": ("quotactl_fd", -1, -1, 0, 0),
    "pidfd_getfd": ("pidfd_getfd", -1, -1, -1),
    "process_madvise": ("process_madvise", -1, 0, 0, -1, -1),
    "personality": ("personality", 0x0040000), "personality query": ("personality", 0xFFFFFFFF),
    "ustat": ("ustat", 0, 0), "sysfs": ("sysfs", 3),
    "kexec_load": ("kexec_load", 0, 0, 0, -1), "reboot": ("reboot", 0, 0, 0, 0),
}  # fmt: skip
# What a program of today needs: a filter that refuses one of these is too tight.
NEEDED: dict[str, tuple[Any, ...]] = {
    "futex_waitv": ("futex_waitv", 0, 0, -1, 0, 0), "pidfd_open": ("pidfd_open", -1, 0),
    "landlock_create_ruleset": ("landlock_create_ruleset", 0, 0, 1),
    "memfd_create": ("memfd_create", 0, 0), "openat2": ("openat2", -1, 0, 0, 0),
    "statx": ("statx", -1, 0, 0, 0, 0), "rseq": ("rseq", 0, 0, -1, 0),
}  # fmt: skip


def raw(name: str, *arguments: Any) -> int:
    """The system call's result, or minus its errno."""
    numbers = NUMBERS[name]
    number = numbers[ARCHITECTURE] if ARCHITECTURE >= 0 else -1
    if number < 0:
        return -errno.ENOSYS
    sent = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    ctypes.set_errno(0)
    result: int = LIBC.syscall(ctypes.c_long(number), *sent)
    return -ctypes.get_errno() if result == -1 else result


def named(result: int) -> str:
    """``ok`` or the errno's name."""
    return "ok" if result >= 0 else errno.errorcode.get(-result, str(-result))


def call(name: str, *arguments: Any) -> str:
    """What the kernel answers to a system call, as a word."""
    return named(raw(name, *arguments))


def tried(action: Callable[[], Any]) -> str:
    """``ok``, or the errno with which ``action`` failed."""
    try:
        action()
    except OSError as error:
        return named(-(error.errno or errno.EIO))
    return "ok"


def in_child(action: Callable[[], int]) -> int:
    """What ``action`` answers in a process of its own: 0 or minus an errno."""
    child = os.fork()
    if child == 0:
        os._exit(min(-action(), 255))
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def capability_calls() -> dict[str, str]:
    """Calls that a capability decides, each with arguments that cannot succeed."""
    uts = os.open("/proc/self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
    root = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
    handle = ctypes.create_string_buffer(struct.pack("Ii8s", 8, 1, b""))
    zone = ctypes.create_string_buffer(struct.pack("ii", 100_000, 0))
    answers = {
        "mount": call("mount", b"none", b"/", b"dockyard-none", 0, 0),
        "umount": call("umount2", b"/etc", 0),
        "remount": call("mount", 0, b"/etc", 0, 0x20, 0),
        "setns uts": call("setns", uts, 0),
        "unshare uts": named(in_child(lambda: raw("unshare", CLONE_NEWUTS))),
        "unshare user": named(in_child(lambda: raw("unshare", CLONE_NEWUSER))),
        "settimeofday": call("settimeofday", 0, zone),
        "init_module": call("init_module", 0, 0, b""),
        "syslog": call("syslog", 8, 0, -1),
        "open_by_handle_at": call("open_by_handle_at", root, handle, 0),
        "set link flags": _link_flags(),
        "ptrace other user": _ptrace_other(),
        "sethostname": call("sethostname", 0, -1),
        "reboot": call("reboot", 0, 0, 0, 0),
    }
    for name, family, kind in (
        ("packet socket", 17, socket.SOCK_RAW),
        ("raw socket", socket.AF_INET, socket.SOCK_RAW),
        ("vsock socket", 40, socket.SOCK_STREAM),
        ("alg socket", 38, socket.SOCK_SEQPACKET),
    ):
        protocol = socket.IPPROTO_ICMP if name == "raw socket" else 0
        answers[name] = tried(partial(_open_socket, family, kind, protocol))
    os.close(uts)
    os.close(root)
    return answers


def _open_socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def _link_flags() -> str:
    # SIOCSIFFLAGS asks for NET_ADMIN before it looks for the interface, which does not exist.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", b"dockyard-none0", 0)
        return tried(lambda: fcntl.ioctl(any_socket, 0x8914, request))


def _ptrace_other() -> str:
    """PTRACE_SEIZE of a process that another user owns; ``no other user`` where none can be."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        theirs.send(b"y" if tried(lambda: os.setuid(54_321)) == "ok" else b"n")
        theirs.recv(1)  # until the parent closes its end: without KILL it could not kill us
        os._exit(0)
    theirs.close()
    ready = ours.recv(1)
    answer = call("ptrace", 0x4206, child, 0, 0) if ready == b"y" else "no other user"
    ours.close()
    os.waitpid(child, 0)
    return answer


def look(path: str) -> dict[str, Any]:
    """What lies at ``path``, whether it can be read, and whether it could be written."""
    try:
        about = os.lstat(path)
    except OSError as error:
        return {"kind": "absent" if error.errno in (2, 20) else named(-(error.errno or 5))}
    kind = stat.filemode(about.st_mode)[0]
    facts: dict[str, Any] = {"kind": kind, "mode": stat.S_IMODE(about.st_mode)}
    facts["device"] = f"{os.major(about.st_rdev)}:{os.minor(about.st_rdev)}"
    if kind == "l":
        facts["target"] = os.readlink(path)
        return facts
    try:
        facts["read_only"] = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError as error:
        facts["read_only"] = error.errno == errno.EACCES
    if kind == "d":
        facts["reading"] = tried(lambda: facts.update(entries=len(os.listdir(path))))
        facts["writing"] = tried(lambda: _make_and_drop(path))
    else:
        facts["reading"] = tried(lambda: facts.update(size=len(_first_bytes(path))))
        facts["writing"] = tried(lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
    return facts


def _first_bytes(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(fd, 64)
    finally:
        os.close(fd)


def _make_and_drop(folder: str) -> None:
    os.mkdir(f"{folder}/dockyard-probe")
    os.rmdir(f"{folder}/dockyard-probe")


def try_device(name: str) -> str:
    """``mknod: …``, ``open: …`` or ``opened`` for the character device ``major:minor``."""
    path = "/dev/dockyard-probe"
    major, minor = name.split(":")
    made = tried(lambda: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(int(major), int(minor))))
    if made != "ok":
        return f"mknod: {made}"
    answer = tried(lambda: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)))
    os.unlink(path)
    return "opened" if answer == "ok" else f"open: {answer}"


def content(path: str) -> str:
    """A text file, or ``error: ERRNO``."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError as error:
        return f"error: {named(-(error.errno or 5))}"


def link(path: str) -> str:
    """Where a link points to, or ``error: ERRNO``."""
    try:
        return os.readlink(path)
    except OSError as error:
        return f"error: {named(-(error.errno or 5))}"


def links(folder: str) -> dict[str, str]:
    """Every link in a folder; its own descriptor, which is gone by then, is left out."""
    try:
        found = {name: link(f"{folder}/{name}") for name in sorted(os.listdir(folder))}
    except OSError as error:
        return {"error": named(-(error.errno or 5))}
    return {name: to for name, to in found.items() if to != "error: ENOENT"}


def reach(address: str) -> str:
    """Whether there is a route to an address: connecting a datagram socket sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as any_socket:
            return tried(lambda: any_socket.connect((address, 9)))
    except OSError as error:  # a kernel without the family
        return "ENETUNREACH" if error.errno == errno.EAFNOSUPPORT else named(-(error.errno or 5))


def meet() -> None:
    """Connect to a socket of our own by the loopback."""
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        client.settimeout(30)
        client.connect(server.getsockname())


def processes() -> dict[str, str]:
    """Every process in /proc and its name."""
    return {
        name: content(f"/proc/{name}/comm").strip()
        for name in os.listdir("/proc")
        if name.isdigit()
    }


def forks(order: int) -> dict[str, Any]:
    """Fork until refused, at most ``order`` times."""
    made: list[int] = []
    answer = "ok"
    while len(made) < order and answer == "ok":
        try:
            child = os.fork()
        except OSError as error:
            answer = named(-(error.errno or 5))
            continue
        if child == 0:
            signal.pause()
            os._exit(0)
        made.append(child)
    for child in made:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return {"made": len(made), "answer": answer}


def touch(mebibytes: int) -> dict[str, Any]:
    """Use memory in a child, which is what the kernel kills when a limit bites."""
    child = os.fork()
    if child == 0:
        held = []
        for _ in range(mebibytes):
            held.append(b"x" * (1 << 20))  # noqa: PERF401 - each step must take its memory now
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"status": status}


def burn(seconds: float) -> dict[str, Any]:
    """Keep one core busy; ``share`` is what of the wall time it got."""
    start, used = time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        pass
    return {"share": (time.process_time() - used) / (time.monotonic() - start)}


def rename(order: dict[str, str]) -> dict[str, Any]:
    """Set the host name, unless the uts namespace is the host's own."""
    if link("/proc/self/ns/uts") == order["host"]:
        return {"answer": "not tried: the namespace is the host's"}
    name = order["name"].encode()
    return {"answer": call("sethostname", name, len(name)), "now": os.uname().nodename}


WORK: dict[str, Callable[[Any], dict[str, Any]]] = {
    "fork": forks,
    "touch": touch,
    "burn": burn,
    "rename": rename,
}


def gather(order: dict[str, Any]) -> dict[str, Any]:
    """The whole document."""
    found: dict[str, Any] = {"fds": links("/proc/self/fd"), "pid": os.getpid()}
    mask = os.umask(0o22)
    os.umask(mask)
    found["umask"] = mask
    found["ns"] = links("/proc/self/ns")
    found["init_ns"] = links("/proc/1/ns")
    found["processes"] = processes()
    for name in ("status", "mountinfo", "cgroup", "limits", "oom_score_adj"):
        found[name] = content(f"/proc/self/{name}")
    for name in ("unix", "tcp", "dev"):
        found[f"net_{name}"] = content(f"/proc/net/{name}")
    found["reach"] = {address: reach(address) for address in NOWHERE}
    found["loopback"] = tried(meet)
    found["hostname"] = os.uname().nodename
    found["etc_hostname"] = content("/etc/hostname").strip()
    found["cpus"] = sorted(os.sched_getaffinity(0))
    found["env"] = sorted(os.environ)
    found["groups"] = os.getgroups()
    found["dev"] = {name: look_short(f"/dev/{name}") for name in sorted(os.listdir("/dev"))}
    found["paths"] = {path: look(path) for path in order.get("paths", ())}
    found["values"] = {path: content(path).strip() for path in order.get("values", ())}
    found["devices"] = {name: try_device(name) for name in order.get("devices", ())}
    found["filtered"] = {name: call(*how) for name, how in FILTERED.items()}
    raw("personality", 0)
    found["needed"] = {name: call(*how) for name, how in NEEDED.items()}
    found["calls"] = capability_calls()
    found["securebits"] = raw("prctl", 27, 0, 0, 0, 0)
    found["keyring"] = raw("keyctl", 0, -3, 0, 0, 0)
    found["raise_nofile"] = tried(_raise_limit)
    found["signal_host"] = signal_host(order) if "host_pid" in order else ""
    found["host_shm"] = call("shmget", order["shm_key"], 0, 0) if "shm_key" in order else ""
    found["work"] = {name: WORK[name](what) for name, what in order.get("work", ())}
    return found


def signal_host(order: dict[str, Any]) -> str:
    """Signal a process of the host by its number there.

    One of the container's own may bear that number, where the host itself is a young pid namespace:
    proc(5)'s field 22, the time of its start, tells them apart.
    """
    pid = order["host_pid"]
    here = content(f"/proc/{pid}/stat").rpartition(")")[2].split()
    began = order.get("host_pid_began")
    if began and len(here) > 19 and here[19] != began:
        return "ESRCH"
    return tried(lambda: os.kill(pid, 0))


def look_short(path: str) -> dict[str, Any]:
    """Kind, mode, device number and target, without opening: /dev holds what must not be opened."""
    about = os.lstat(path)
    kind = stat.filemode(about.st_mode)[0]
    return {
        "kind": kind,
        "mode": stat.S_IMODE(about.st_mode),
        "device": f"{os.major(about.st_rdev)}:{os.minor(about.st_rdev)}",
        "target": os.readlink(path) if kind == "l" else "",
    }


def _raise_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        raise OSError(errno.ENODATA, "already without limit")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))
    except ValueError:  # how Python tells EPERM here
        raise OSError(errno.EPERM, "not permitted") from None
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def document(order: dict[str, Any]) -> str:
    """The document as JSON; a probe that breaks says where instead of saying nothing."""
    try:
        return json.dumps(gather(order))
    except Exception as error:  # noqa: BLE001 - the edge of the process: the reader gets the reason
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        return json.dumps({"error": f"{error!r} in line {place.tb_lineno if place else 0}"})


def keep(text: str) -> None:
    """Leave the document where the second process finds it."""
    for place in PLACES:
        try:
            with open(f"{place}/{KEPT}.new", "w") as file:
                file.write(text)
            os.rename(f"{place}/{KEPT}.new", f"{place}/{KEPT}")
        except OSError:
            continue
        return


def kept(seconds: float) -> str:
    """The document of the first process, once it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for place in PLACES:
            text = content(f"{place}/{KEPT}")
            if not text.startswith("error: "):
                return text
        time.sleep(0.005)
    return json.dumps({"error": f"the first process wrote nothing in {seconds:g} s"})


def main() -> None:
    """See the module's docstring."""
    mode, order = sys.argv[1], json.loads(sys.argv[2])
    if mode == "status":
        sys.exit(order)
    if mode == "exec":
        first = kept(20)
        sys.stdout.write(f'{{"init": {first}, "exec": {document({**order, "work": ()})}}}\n')
        return
    keep(document(order))
    # Until it is killed, or for as long as no check takes: nobody may be left to remove it.
    time.sleep(HELD)


if __name__ == "__main__":
    main()
