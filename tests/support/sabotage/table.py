"""Which sabotage each check is there to find.

``RUNTIMES``: a broken runtime and the checks that it turns red. ``DOCTORED``: what no runtime on
this machine can be made to do wrong is put into the documents instead.
"""

import copy
from collections.abc import Callable
from typing import Any

from toolkit.conformance.documents import Box, BoxDoc, HostDoc, ProbeDoc

RUNTIMES: dict[str, tuple[str, ...]] = {
    "share-pid": ("NS-PID-01", "NS-PID-10", "NS-PID-11", "NS-PAIR-09"),
    "share-net": ("NS-NET-02", "PROC-NET-17", "RO-SYSCTL-14"),
    "share-ipc": ("NS-IPC-03", "NS-IPC-14"),
    "share-uts": ("NS-UTS-05", "NS-UTS-17", "NS-UTS-18"),
    "share-cgroup": ("NS-CGR-06", "CGR-VIEW-02"),
    "wrong-hostname": ("NS-UTS-17", "NS-UTS-19"),
    "time-namespace": ("NS-TIM-08", "NS-EXEC-21"),
    "sys-admin": ("CAP-BND-01", "CAP-FN-15", "MSK-ESC-06", "CGR-REL-04", "NS-JOIN-23"),
    "powers": (
        *("CAP-BND-01", "CAP-FN-16", "CAP-FN-17", "CAP-FN-19", "CAP-FN-21", "CAP-FN-22"),
        "CAP-FN-24",
    ),
    "no-raw": ("CAP-BND-01", "CAP-FN-20"),
    "inheritable": ("CAP-INH-03",),
    "ambient": ("CAP-AMB-04",),
    "ignores-capabilities": ("CAP-ADD-07", "CAP-DROP-08"),
    "other-user": ("CAP-EFF-02",),
    "always-root": ("CAP-USR-05", "PRV-UID-30", "PRV-GID-36"),
    "exec-raises": ("CAP-EXEC-11", "CAP-EXEC-12"),
    "securebits": ("CAP-SEC-23",),
    "no-new-privileges": ("PRV-NNP-24",),
    "new-privileges": ("PRV-NNP-25", "PRV-NNP-26"),
    "groups": ("PRV-GID-29",),
    "umask": ("PRV-UMASK-32",),
    "oom-score": ("PRV-OOM-35",),
    "secret": ("PRV-ENV-37",),
    "old-keyring": ("PRV-KEY-33", "PRV-KEY-34"),
    "engine-socket": ("PRV-DAEMON-36",),
    "no-filter": (
        *("SEC-MODE-01", "SEC-MODE-02", "SEC-NS-04", "SEC-CL3-05", "SEC-MNT-06", "SEC-KEY-07"),
        *("SEC-BPF-08", "SEC-PERF-09", "SEC-UFFD-10", "SEC-URING-11", "SEC-NUMA-14"),
        *("SEC-TIME-15", "SEC-QUO-17", "SEC-PID-18", "SEC-HND-19", "SEC-PERS-21"),
        *("SEC-VSOCK-24", "NS-USR-22", "PRV-KEY-33", "CGR-REL-04"),
    ),
    "tight-filter": ("SEC-ALLOW-28",),
    "no-masks": ("MSK-FILE-01", "MSK-DIR-02", "PRV-KEY-33"),
    "soft-masks": ("MSK-TMPFS-08",),
    "no-read-only": ("RO-SYS-09", "RO-PROC-10"),
    "writable-sys": ("RO-SYSFS-11",),
    "writable-cgroup": ("CGR-MNT-01", "CGR-DEV-06"),
    "proc-options": ("PROC-MNT-15",),
    "no-sysctls": ("RO-SYSCTL-14",),
    "debugfs": ("SYS-DBG-19",),
    "read-only-root": ("RO-ROOT-16",),
    "extra-device": ("DEV-SET-01",),
    "own-dev": ("DEV-SET-01", "DEV-LINK-02", "DEV-NODE-03"),
    "all-devices": ("DEV-CG-04", "DEV-CG-05", "DEV-CG-14", "DEV-RULES-15"),
    "no-limits": (
        *("CGR-MEM-11", "CGR-MEM-34", "CGR-PID-16", "CGR-PID-35", "CGR-CPU-20", "CGR-CPU-22"),
    ),
    "some-pids": ("CGR-PID-17",),
    "exec-elsewhere": ("CGR-EXEC-29",),
    "leaks-descriptor": ("PID-FD-19",),
    "loses-status": ("PID-EXIT-08",),
    "holds-namespace": ("NS-LEAK-26",),
    "leaves-group": ("CGR-LEAK-30",),
    "leaves-mount": ("HOST-CLEAN-10",),
}

Documents = dict[str, Any]
Doctor = Callable[[Documents], None]


def _init(key: str, value: Any) -> Doctor:
    def change(documents: Documents) -> None:
        documents["init"][key] = value

    return change


def _within(document: str, key: str, **values: Any) -> Doctor:
    def change(documents: Documents) -> None:
        documents[document][key] = {**documents[document][key], **values}

    return change


def _host(**values: Any) -> Doctor:
    def change(documents: Documents) -> None:
        documents["host"].update(values)

    return change


def _all(*doctors: Doctor) -> Doctor:
    def change(documents: Documents) -> None:
        for doctor in doctors:
            doctor(documents)

    return change


def _hosts_mount_namespace(documents: Documents) -> None:
    documents["init"]["ns"]["mnt"] = documents["host"]["ns"]["mnt"]


def _callers_group(documents: Documents) -> None:
    documents["outside"]["groups"] = dict(documents["host"]["groups"])


def _throttle(documents: Documents) -> None:
    paths = documents["init"]["paths"]
    name = next(path for path in paths if "thermal_throttle" in path)
    paths[name] = {"kind": "d", "entries": 3, "reading": "ok"}


def _fewer_devices_in_exec(documents: Documents) -> None:
    documents["exec"]["dev"].pop("zero")


V2 = _host(controllers=[""], unified=["cpu", "memory", "pids", "cpuset"])
BRIDGE = '[bridge]\nname = "bridge0"\naddress = "192.168.5.1/24"\n'
LINK = {"up": True, "bridge": True, "addresses": ["192.168.5.1/24"], "local": ["192.168.5.1/24"]}
ROUTER = {"disable_ipv6": "0", "accept_ra": "0", "forwarding": "0"}
SYSCTL = {"/etc/sysctl.d/60-net.ipv4.ip_forward.conf": "net.ipv4.ip_forward = 1\n"}
# check: what makes it fail. Where the honest documents would not be judged (na), GREEN makes them.
DOCTORED: dict[str, Doctor] = {
    "NS-MNT-04": _hosts_mount_namespace,
    "NS-VIEW-28": _within("init", "ns", net="net:[1]"),
    "CAP-FN-18": _within("init", "calls", init_module="ENOEXEC"),
    "CAP-FN-25": _init("raise_nofile", "ok"),
    "SEC-ALG-22": _within("init", "calls", **{"alg socket": "ok"}),
    "MSK-THERM-03": _throttle,
    "DEV-EXEC-16": _fewer_devices_in_exec,
    "CGR-CPU-36": _within("init", "work", burn={"share": 0.98}),
    "CGR-OWN-37": _callers_group,
    "CGR-MEM-15": _all(V2, _within("outside", "limits", oom_group="1")),
    "CGR-VIEW-03": _all(V2, _within("init", "values", **{"/sys/fs/cgroup/cgroup.procs": "1\n0"})),
    "NET-NONE-03": _init("net_dev", "|\n|\n    lo: 0\n  eth0: 0\n"),
    "NET-LO-06": _init("loopback", "ENETUNREACH"),
    "L2-RA-02": _host(links={"docker0": LINK}, routers={"docker0": {**ROUTER, "accept_ra": "1"}}),
    "HOST-SAME-12": _host(hostname="elsewhere"),
    "HOST-CG-02": _host(controllers=["cpu", "name=systemd", ""]),
    "HOST-API-04": _host(listening=["00000000:0947"]),
    "HOST-FILES-05": _host(socket_modes={"/run/docker.sock": "0666"}),
    "HOST-BRIDGE-13": _host(
        files={"/etc/dockyard/engine.toml": BRIDGE}, links={"bridge0": {**LINK, "up": False}}
    ),
    "HOST-FORWARD-14": _host(files=SYSCTL, sysctls={"net/ipv4/ip_forward": "0"}),
    "HOST-SYSCTL-15": _host(files=SYSCTL, sysctls={"net/ipv4/ip_forward": "0"}),
    "HOST-MODULES-16": _host(
        files={"/etc/modules-load.d/br_netfilter.conf": "br_netfilter\n"}, modules=[]
    ),
    "HOST-DELEG-17": _host(
        files={"/etc/systemd/system/user@.service.d/delegate.conf": "[Service]\nDelegate=memory\n"}
    ),
    "HOST-ENGINE-18": _host(files={"/etc/dockyard/engine.toml": "data_root = \n"}),
}
GREEN: dict[str, Doctor] = {
    "CAP-FN-18": _within("init", "calls", init_module="EPERM"),
    "SEC-ALG-22": _within("init", "calls", **{"alg socket": "EPERM"}),
    "CGR-CPU-36": _all(
        _within("init", "work", burn={"share": 0.5}),
        _within("outside", "limits", throttled="nr_periods 9\nnr_throttled 8"),
    ),
    "CGR-MEM-15": _all(V2, _within("outside", "limits", oom_group="0")),
    "CGR-VIEW-03": _all(V2, _within("init", "values", **{"/sys/fs/cgroup/cgroup.procs": "1\n7"})),
    "L2-RA-02": _host(links={"docker0": LINK}, routers={"docker0": ROUTER}),
    "HOST-BRIDGE-13": _host(files={"/etc/dockyard/engine.toml": BRIDGE}, links={"bridge0": LINK}),
    "HOST-FORWARD-14": _host(files=SYSCTL, sysctls={"net/ipv4/ip_forward": "1"}),
    "HOST-SYSCTL-15": _host(files=SYSCTL, sysctls={"net/ipv4/ip_forward": "1"}),
    "HOST-MODULES-16": _host(
        files={"/etc/modules-load.d/br_netfilter.conf": "br_netfilter\n"}, modules=["br_netfilter"]
    ),
    "HOST-DELEG-17": _host(
        files={
            "/etc/systemd/system/user@.service.d/delegate.conf": (
                "[Service]\nDelegate=cpu memory pids\n"
            )
        }
    ),
    "HOST-ENGINE-18": _host(files={"/etc/dockyard/engine.toml": BRIDGE}),
}


def doctored(box: Box, host: HostDoc, doctor: Doctor) -> tuple[Box, HostDoc]:
    """Copies of the documents with something changed."""
    documents = copy.deepcopy(
        {"init": box.init.raw, "exec": box.exec.raw, "outside": box.outside.raw, "host": host.raw}
    )
    doctor(documents)
    changed = Box(
        id=box.id,
        asked_hostname=box.asked_hostname,
        init=ProbeDoc(documents["init"]),
        exec=ProbeDoc(documents["exec"]),
        outside=BoxDoc(documents["outside"]),
    )
    return changed, HostDoc(documents["host"])
