"""apt without apt: what it prints is recorded, what it is asked is remembered."""

from collections.abc import Mapping

import pytest

from toolkit.core.errors import CommandError, NotFoundError
from toolkit.core.process import Completed
from toolkit.tasks.aptitude import Apt, simulated
from toolkit.tasks.host import PackageStep

SIMULATED = """\
NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  jq libjq1
Inst libjq1 (1.6-2.1 Debian:12.8/stable [amd64]) []
Inst curl [7.88.1-9] (7.88.1-10 Debian:12.8/stable [amd64]) [libcurl4:amd64 ]
Inst jq (1.6-2.1 Debian:12.8/stable [amd64])
Remv old [1.0-1]
Purg older [2.0]
Conf libjq1 (1.6-2.1 Debian:12.8/stable [amd64])
"""


class Recorder:
    """Answers every program in the same way."""

    def __init__(self, *, status: int = 0, stdout: str = "", stderr: str = "") -> None:
        self.answer = (status, stdout, stderr)
        self.asked: list[tuple[str, ...]] = []
        self.environment: Mapping[str, str] = {}

    def __call__(self, argv: tuple[str, ...], env: Mapping[str, str]) -> Completed:
        self.asked.append(argv)
        self.environment = env
        status, stdout, stderr = self.answer
        return Completed(argv=argv, status=status, stdout=stdout, stderr=stderr)


def test_a_simulation_tells_every_step() -> None:
    assert simulated(SIMULATED) == (
        PackageStep(name="libjq1", new="1.6-2.1"),
        PackageStep(name="curl", old="7.88.1-9", new="7.88.1-10"),
        PackageStep(name="jq", new="1.6-2.1"),
        PackageStep(name="old", old="1.0-1"),
        PackageStep(name="older", old="2.0"),
    )


def test_nothing_is_asked_of_the_person_before_the_terminal() -> None:
    recorder = Recorder()
    Apt(recorder).install(("jq", "curl=7"))
    assert recorder.asked[0][0] == "apt-get"
    assert recorder.asked[0][-4:] == ("install", "--", "jq", "curl=7")
    assert {"--yes", "-oDpkg::Options::=--force-confold"} <= set(recorder.asked[0])
    assert recorder.environment["DEBIAN_FRONTEND"] == "noninteractive"


@pytest.mark.parametrize(("purge", "verb"), [(False, "remove"), (True, "purge")])
def test_a_purge_is_a_word_of_its_own(purge: bool, verb: str) -> None:
    recorder = Recorder()
    Apt(recorder).remove(("jq",), purge=purge)
    assert recorder.asked[0][-2:] == (verb, "jq")


def test_an_unknown_package_is_named() -> None:
    recorder = Recorder(status=100, stderr="E: Unable to locate package nope\n")
    with pytest.raises(NotFoundError, match="there is no package 'nope'") as caught:
        Apt(recorder).rehearse("install", ("nope",))
    assert "update_cache" in caught.value.hint


def test_a_lock_has_a_hint() -> None:
    said = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7\n"
    with pytest.raises(CommandError, match="ended with status 100") as caught:
        Apt(Recorder(status=100, stderr=said)).update()
    assert "another package manager" in caught.value.hint


def test_any_other_failure_shows_what_apt_said() -> None:
    with pytest.raises(CommandError, match="dpkg was interrupted") as caught:
        Apt(Recorder(status=100, stderr="E: dpkg was interrupted\n")).install(("jq",))
    assert caught.value.hint == ""
