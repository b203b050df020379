"""The small parts: steps, failures, logs, overlay options, masks, limits, and what is imported."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cgroup.limits import DeviceRule, Limits
from toolkit.core.errors import InvalidInputError
from toolkit.oci import spec as oci
from toolkit.runtime.client import StartError
from toolkit.runtime.failures import describe, sentence
from toolkit.runtime.groups import check_resources, limits
from toolkit.runtime.identity import Masks, masks
from toolkit.runtime.logfile import JsonLog, timestamp
from toolkit.runtime.root import overlay_data
from toolkit.runtime.spawn import search_path
from toolkit.runtime.steps import INIT_STEPS, SHIM_STEPS, Steps

FORBIDDEN = {
    "dataclasses",
    "typing",
    "inspect",
    "pathlib",
    "logging",
    "subprocess",
    "socket",
    "click",
    "cattrs",
    "pyroute2",
    "asyncio",
    "collections",
    "contextlib",
    "ctypes",
    "enum",
    "functools",
    "signal",
    "shutil",
    "tempfile",
    "threading",
    "traceback",
}


def test_the_launcher_imports_nothing_dear() -> None:
    script = (
        f"import sys; sys.path[:0] = {search_path()!r}; import toolkit.runtime.launcher; "
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert not FORBIDDEN & set(done.stdout.split())


def test_every_step_is_named_once_where_it_is_entered() -> None:
    import toolkit.runtime  # noqa: PLC0415 - reads its sources

    folder = Path(toolkit.runtime.__path__[0])
    source = "".join((folder / f"{name}.py").read_text() for name in ("shim", "init", "becoming"))
    entered = {part.partition('"')[0] for part in source.split('steps.enter("')[1:]}
    assert entered == {*SHIM_STEPS, *INIT_STEPS}


def test_a_step_fails_on_demand_only() -> None:
    steps = Steps("two")
    steps.enter("one")
    with pytest.raises(OSError, match="fault"):
        steps.enter("two")
    assert steps.now == "two"


@pytest.mark.parametrize(
    ("error", "stage", "expected"),
    [
        (OSError(errno.ENOENT, "exec: No", "/x"), "exec", ("exec: No: '/x'", 127)),
        (OSError(errno.ENOTDIR, "exec: No", "/x"), "exec", ("exec: No: '/x'", 127)),
        (OSError(errno.EACCES, "exec: No", "/x"), "exec", ("exec: No: '/x'", 126)),
        (OSError(errno.ENOEXEC, "exec: No", b"/x"), "exec", ("exec: No: '/x'", 126)),
        (OSError(errno.ENOENT, "mount: No", "/x"), "mounts", ("mount: No: '/x'", 125)),
        (InvalidInputError("wrong"), "mounts", ("wrong", 125)),
        (ValueError("odd"), "mounts", ("ValueError: odd", 125)),
    ],
)
def test_a_failure_as_data(error: Exception, stage: str, expected: tuple[str, int]) -> None:
    data = describe(error, stage)
    assert (sentence(data), data["status"]) == expected
    assert data["stage"] == stage
    assert json.loads(json.dumps(data)) == data


def test_hints_come_along() -> None:
    assert describe(InvalidInputError("wrong", hint="right"), "")["hint"] == "right"
    assert "interpreter" in describe(OSError(errno.ENOENT, "x"), "exec")["hint"]
    assert StartError("x", status=127).exit_status == 127


def test_the_log_has_lines_and_their_streams(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = JsonLog(str(path))
    log.write("stdout", b"one\ntw")
    log.write("stderr", b"err\n")
    log.write("stdout", b"o\n\xff\nrest")
    log.close()
    log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["stream"], line["log"]) for line in lines] == [
        ("stdout", "one\n"),
        ("stderr", "err\n"),
        ("stdout", "two\n"),
        ("stdout", "\ufffd\n"),
        ("stdout", "rest"),
    ]
    assert all(line["time"].endswith("Z") for line in lines)


def test_a_long_line_is_split(tmp_path: Path) -> None:
    log = JsonLog(str(tmp_path / "log"))
    log.write("stdout", b"x" * 40_000)
    log.close()
    lines = [json.loads(line)["log"] for line in (tmp_path / "log").read_text().splitlines()]
    assert [len(line) for line in lines] == [16384, 16384, 7232]


def test_a_full_disk_costs_lines_only() -> None:
    log = JsonLog("/dev/full")
    log.write("stdout", b"lost\n")
    log.close()


_PLAIN = ",redirect_dir=off,metacopy=off"  # whatever the kernel's defaults are


def test_no_path_no_log() -> None:
    log = JsonLog("")
    log.write("stdout", b"x\n")
    log.close()


def test_a_timestamp_is_rfc_3339_with_nanoseconds() -> None:
    assert len(timestamp()) == len("2024-05-06T07:08:09.000000001Z")


@pytest.mark.parametrize(
    ("lower", "volatile", "expected"),
    [
        (
            ("/a", "/b"),
            False,
            f"lowerdir=/a:/b,upperdir=/u,workdir=/w{_PLAIN}",
        ),
        (
            ("/a",),
            True,
            f"lowerdir=/a,upperdir=/u,workdir=/w{_PLAIN},volatile",
        ),
        (
            ("/a:b,c\\d",),
            False,
            f"lowerdir=/a\\:b\\,c\\\\d,upperdir=/u,workdir=/w{_PLAIN}",
        ),
    ],
)
def test_options_of_an_overlay(lower: tuple[str, ...], volatile: bool, expected: str) -> None:
    assert overlay_data(lower, "/u", "/w", volatile=volatile) == expected


def test_masks_skip_what_nobody_knows() -> None:
    held = oci.Capabilities(bounding=("CAP_CHOWN", "CAP_FUTURE"), ambient=("CAP_KILL",))
    assert masks(held) == Masks(bounding=1, ambient=1 << 5)
    assert masks(None) == Masks()


def test_resources_become_limits() -> None:
    resources = oci.Resources(
        memory=oci.Memory(limit=5, swap=7),
        cpu=oci.Cpu(quota=50_000, period=100_000, shares=0, cpus="0"),
        pids=oci.Pids(limit=9),
        devices=(oci.DeviceRule(allow=True, type="c", major=1, minor=-1, access="rw"),),
    )
    assert limits(resources) == Limits(
        memory=5,
        memory_swap=7,
        cpu_quota_us=50_000,
        cpu_period_us=100_000,
        cpuset_cpus="0",
        pids=9,
        devices=(DeviceRule(allow=True, type="c", major=1, minor=None, access="rw"),),
    )
    assert limits(None) == Limits()


def test_less_usual_limits_of_the_specification() -> None:
    rate = oci.ThrottleDevice(major=8, minor=0, rate=5)
    resources = oci.Resources(
        memory=oci.Memory(swappiness=7, disable_oom_killer=True),
        cpu=oci.Cpu(burst=9, idle=1),
        hugepage_limits=(oci.HugepageLimit(page_size="2MB", limit=3),),
        block_io=oci.BlockIO(throttle_write_iops_device=(rate,), throttle_read_bps_device=(rate,)),
        unified={"memory.high": "11"},
    )
    check_resources(oci.Spec(linux=oci.Linux(resources=resources)))
    made = limits(resources)
    assert (made.memory_swappiness, made.oom_kill_disable) == (7, True)
    assert (made.cpu_burst_us, made.cpu_idle) == (9, 1)
    assert [(entry.size, entry.limit) for entry in made.hugepages] == [("2MB", 3)]
    assert [(entry.kind, entry.major, entry.rate) for entry in made.io_rates] == [
        ("rbps", 8, 5),
        ("wiops", 8, 5),
    ]
    assert made.unified == (("memory.high", "11"),)


def test_resources_that_are_set_are_fine() -> None:
    check_resources(oci.Spec())
    check_resources(oci.Spec(linux=oci.Linux(resources=oci.Resources(memory=oci.Memory(limit=5)))))


def test_the_search_path_leads_to_this_package() -> None:
    home = search_path()[0]
    assert os.path.isfile(f"{home}/toolkit/runtime/launcher.py")
