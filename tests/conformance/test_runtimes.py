"""``dockyard check`` as a person runs it, on real containers of each runtime."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.sabotage.runtime import install
from toolkit.core.files import shipped

pytestmark = pytest.mark.root

RUNTIMES = {"embedded": "", "oci:/usr/sbin/runc": "runc", "podman": "podman"}


def check(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-m", "toolkit.cli.entry", "check", *words)
    return subprocess.run(
        argv, check=False, capture_output=True, text=True, timeout=110, cwd=cwd or Path.cwd()
    )


def results(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_runtime_holds(home: Path, require: Callable[[str], str], runtime: str) -> None:
    if RUNTIMES[runtime]:
        require(RUNTIMES[runtime])
    out, junit = home / "out.json", home / "out.xml"
    done = check("--runtime", runtime, "--json", str(out), "--junit", str(junit))
    assert done.returncode == 0, done.stdout + done.stderr
    found = [one for one in results(out) if one["runtime"] == runtime]
    verdicts = Counter(one["verdict"] for one in found)
    assert verdicts["fail"] == 0
    assert verdicts["pass"] >= 75
    areas = ("NS-", "CAP-", "PRV-", "MSK-", "RO-", "PROC-", "SYS-", "CGR-")
    assert sum(one["verdict"] == "pass" and one["id"].startswith(areas) for one in found) >= 40
    assert runtime != "embedded" or verdicts["weaker"] == 0
    assert done.stdout.splitlines()[-1].startswith("isolated: ")
    counted = sum(int(one.get("tests", "0")) for one in ElementTree.parse(junit).getroot())
    assert counted == len(results(out))


def test_a_broken_runtime_is_1(home: Path, require: Callable[[str], str]) -> None:
    program = install(home, "share-pid", require("runc"))
    done = check("--runtime", f"oci:{program}@embedded", "--area", "NS")
    assert done.returncode == 1
    assert "FAIL NS-PID-01" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("NOT ISOLATED: ")


def test_nothing_is_left(home: Path, require: Callable[[str], str]) -> None:
    require("podman")
    before = left()
    out = home / "out.json"
    check("--runtime", "podman", "--area", "CGR", "--json", str(out), cwd=home)
    # Another test's podman may be at work beside this one; it tidies up as well.
    wait_for(lambda: left() <= before)
    assert [path.name for path in home.iterdir()] == [out.name]


def left() -> set[str]:
    """What podman makes below a v1 tree."""
    groups = Path("/sys/fs/cgroup").glob("*/libpod_parent")
    stray = (Path("/sys/fs/cgroup") / name for name in ("hugetlb", "net_cls", "net_prio"))
    return {str(path) for path in (*groups, *stray) if path.exists()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_interrupted_cleans_up(
    home: Path, require: Callable[[str], str], number: signal.Signals
) -> None:
    runc = require("runc")
    argv = (sys.executable, "-m", "toolkit.cli.entry", "check", "--runtime", f"oci:{runc}")
    quiet = subprocess.DEVNULL
    env = {**os.environ, "TMPDIR": str(home)}
    with subprocess.Popen(argv, stdout=quiet, stderr=quiet, env=env, process_group=0) as running:
        wait_for(lambda: any(home.glob("dockyard-*/*/config.json")))
        os.killpg(running.pid, number)
        assert running.wait(60) == 130
    assert list(home.glob("dockyard-*")) == []
    groups = Path("/sys/fs/cgroup/pids").glob("**/dockyard-check-*/cgroup.procs")
    assert [path for path in groups if _started_by(path, home)] == []


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _started_by(procs: Path, home: Path) -> bool:
    pids = procs.read_text().split()
    return any(str(home) in Path(f"/proc/{pid}/mountinfo").read_text() for pid in pids)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--runtime", "podmn"), "did you mean 'podman'?"),
        (("--area", "Q"), "no check is in area 'Q'"),
        (("-i", "/nowhere"), "no inventory '/nowhere'"),
        (("--json", "/nowhere/out"), "no directory '/nowhere'"),
    ],
    ids=["runtime", "area", "inventory", "json"],
)
def test_bad_input_is_one_line_and_a_hint(words: tuple[str, ...], said: str) -> None:
    done = check(*words)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_is_not_there_proves_nothing(home: Path) -> None:
    done = check("--runtime", "oci:/nowhere/runc", "-k", "NS-PID-01")
    assert done.returncode == 1
    assert "nothing to judge: oci:/nowhere/runc" in done.stdout


def test_the_list_needs_no_host() -> None:
    done = check("--list", "--area", "F")
    assert done.returncode == 0
    ids = [line.split()[0] for line in done.stdout.splitlines()]
    assert "CGR-MEM-11" in ids
    assert all(line.split()[1] == "cgroups" for line in done.stdout.splitlines())


def test_pytest_itself_runs_them(home: Path) -> None:
    """Whoever would rather have pytest's own output gives it the folder and a runtime."""
    argv = (sys.executable, "-m", "pytest", shipped("checks"), "-c", os.devnull, "-q")
    words = ("--import-mode=importlib", "-p", "no:cacheprovider", "--dockyard-runtime", "embedded")
    done = subprocess.run(
        (*argv, *words, "-k", "NS-PID-01 or HOST-CG-02"),
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
        cwd=home,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
