"""What a bundle may say: pure functions; tests/root/oci/test_faulty_bundles.py has the faults."""

import re

import pytest

from toolkit.cli.oci.known import STARTER
from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.oci.checking import check_bundle, check_fully
from toolkit.oci.spec import (
    Device,
    DeviceRule,
    Linux,
    Mount,
    Process,
    Resources,
    Rlimit,
    Spec,
    User,
    from_json,
)

PROCESS = Process(cwd="/", args=("sh",))


def test_the_starter_is_fine() -> None:
    check_bundle(from_json(STARTER))


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.2.0", "1.3.0", "1.2.0+x"])
def test_versions_that_only_add(version: str) -> None:
    check_bundle(Spec(oci_version=version))


@pytest.mark.parametrize("version", ["", "1", "1.2", "2.0.0", "0.9.0", "x.y.z"])
def test_versions_that_nobody_knows(version: str) -> None:
    with pytest.raises(InvalidInputError, match=r"config\.json: ociVersion: "):
        check_bundle(Spec(oci_version=version))


def test_unlimited_is_the_most() -> None:
    limits = (
        Rlimit(type="RLIMIT_CORE", soft=5, hard=2**64 - 1),
        Rlimit(type="RLIMIT_NOFILE", soft=-1, hard=-1),
    )
    check_fully(replace(PROCESS, rlimits=limits), "x")
    wrong = (Rlimit(type="RLIMIT_CORE", soft=-1, hard=5),)
    with pytest.raises(InvalidInputError, match=r"x\.rlimits\[0\]\.soft: "):
        check_fully(replace(PROCESS, rlimits=wrong), "x")


def test_the_nearest_limit_is_hinted() -> None:
    wrong = (Rlimit(type="RLIMIT_NOFILES", soft=1, hard=5),)
    with pytest.raises(InvalidInputError) as caught:
        check_fully(replace(PROCESS, rlimits=wrong), "x")
    assert "RLIMIT_NOFILE" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (Spec(process=replace(PROCESS, args=())), "process.args: "),
        (
            Spec(process=replace(PROCESS, oom_score_adj=-1001)),
            "process.oomScoreAdj: expected -1000",
        ),
        (
            Spec(process=replace(PROCESS, user=User(additional_gids=(1, 2**32)))),
            "process.user.additionalGids[1]: ",
        ),
        (Spec(linux=Linux(devices=(Device(path="/x", type="a"),))), "linux.devices[0].type: "),
        (Spec(linux=Linux(cgroups_path="../x")), "linux.cgroupsPath: "),
        (
            Spec(linux=Linux(resources=Resources(devices=(DeviceRule(allow=True, type="p"),)))),
            "linux.resources.devices[0].type: ",
        ),
    ],
)
def test_the_place_is_named(spec: Spec, said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"config.json: {said}")):
        check_bundle(spec)


def test_what_is_bound_is_there() -> None:
    check_bundle(Spec(mounts=(Mount(destination="/x", source="/dev/null", options=("bind",)),)))
    check_bundle(Spec(mounts=(Mount(destination="/x", type="tmpfs", source="anything"),)))
