"""A runtime that is runc with something broken: ``runtime.py SABOTAGE RUNC ARGUMENTS…``.

``spec`` answers with an honest configuration; ``run`` edits the bundle's; what cannot be said in a
configuration is done around ``run``, ``exec`` and ``delete``. ``install`` makes the program that
``--runtime oci:`` wants. Standard library only: it runs without the project.
"""

import ctypes  # noqa: TID251 - a program of its own, started without the project
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from support.sabotage.edits import EDITS, honest

RAN_OUT = 5.0
TESTS = Path(__file__).parents[2]


def main() -> int:
    """Do what runc was asked, sabotaged."""
    sabotage, runc, *arguments = sys.argv[1:]
    command = next(word for word in arguments if word in COMMANDS)
    return COMMANDS[command](sabotage, [runc, *arguments])


def _spec(sabotage: str, argv: list[str]) -> int:
    del sabotage
    done = subprocess.call(argv)
    path = Path("config.json")
    config = json.loads(path.read_text())
    honest(config)
    path.write_text(json.dumps(config))
    return done


def _run(sabotage: str, argv: list[str]) -> int:
    box, bundle = argv[-1], Path(argv[argv.index("--bundle") + 1])
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    if config.get("hostname") == "runc":
        config["hostname"] = box[:12]
    EDITS.get(sabotage, EDITS["honest"])(config, box)
    path.write_text(json.dumps(config))
    at = argv.index("run") + 1
    if sabotage == "old-keyring":
        argv.insert(at, "--no-new-keyring")
    if sabotage == "leaks-descriptor":
        os.dup2(os.open("/etc/hostname", os.O_RDONLY), 3)
        argv[at:at] = ["--preserve-fds", "1"]
    if sabotage == "securebits":
        _no_ambient_raise()
    if sabotage == "time-namespace":
        argv[:0] = ["unshare", "--time"]
    done = subprocess.call(argv, pass_fds=[3] if sabotage == "leaks-descriptor" else [])
    if sabotage == "holds-namespace":
        _hold(int((bundle / "pid").read_text()))
    return 0 if sabotage == "loses-status" else done


def _exec(sabotage: str, argv: list[str]) -> int:
    at = argv.index("exec") + 1
    if sabotage == "exec-raises":
        argv[at:at] = ["--cap", "CAP_SYS_ADMIN"]
    if sabotage == "exec-elsewhere":
        (_group(argv[at]) / "child").mkdir(exist_ok=True)
        argv[at:at] = ["--cgroup", "pids:child"]
    os.execvp(argv[0], argv)


def _delete(sabotage: str, argv: list[str]) -> int:
    box = argv[-1]
    done = subprocess.call(argv)
    if sabotage == "leaves-group":
        _group(box).mkdir(exist_ok=True)
    if sabotage == "leaves-mount":
        os.makedirs(f"/mnt/{box}")
        subprocess.check_call(["mount", "-t", "tmpfs", "none", f"/mnt/{box}"])
    return done


def _group(box: str) -> Path:
    """The container's directory in the pids hierarchy: below our own, as it was asked for."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next(line.split(":", 2)[2] for line in lines if ":pids:" in line)
    return Path(f"/sys/fs/cgroup/pids/{own}", box)


def _no_ambient_raise() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(28, 1 << 6, 0, 0, 0):  # PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE
        raise OSError(ctypes.get_errno(), "PR_SET_SECUREBITS")


def _hold(pid: int) -> None:
    """Leave a process in the network namespace; it ends by itself."""
    argv = ["nsenter", f"--net=/proc/{pid}/ns/net", "sleep", str(RAN_OUT)]
    quiet = subprocess.DEVNULL
    holder = subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    wanted = os.readlink(f"/proc/{pid}/ns/net")
    while os.readlink(f"/proc/{holder.pid}/ns/net") != wanted:
        time.sleep(0.005)


COMMANDS = {"spec": _spec, "run": _run, "exec": _exec, "delete": _delete}


# Only what is sabotaged pays for a Python; the rest is runc's own.
_PROGRAM = """#!/bin/sh
for word; do
    case $word in
    {sabotaged}) exec /usr/bin/python3 -I -S -c "{start}" {sabotage} {runc} "$@" ;;
    spec | run | exec | kill | delete) break ;;
    esac
done
exec {runc} "$@"
"""


def install(folder: Path, sabotage: str, runc: str) -> Path:
    """The program to name as a runtime."""
    command = {"exec": "exec", "leaves": "delete"}.get(sabotage.partition("-")[0])
    text = _PROGRAM.format(
        sabotaged=" | ".join(filter(None, ("spec", "run", command))),
        start=f"import sys; sys.path.insert(0, '{TESTS}'); "
        f"from {__name__} import main; sys.exit(main())",
        sabotage=sabotage,
        runc=runc,
    )
    program = folder / sabotage
    program.write_text(text)
    program.chmod(0o755)
    return program
