"""Which stages a build needs, and the variables of the whole file."""

import pytest

from toolkit.building.faults import Place
from toolkit.building.parsing import parse
from toolkit.building.planning import Plan, check_platform, plan, unused_arguments
from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.oci.image import this_platform

STAGES = """
ARG V=1
FROM base:$V AS first
RUN a
FROM other AS second
COPY --from=first /a /b
FROM first AS third
RUN --mount=from=second,target=/x c
FROM unused
RUN d
FROM third
COPY --from=0 /e /f
COPY --from=image:2 /g /h
"""


def _plan(text: str, target: str = "", **given: str) -> Plan:
    return plan(parse(text), given, target)


def _indexes(found: Plan) -> list[int]:
    return [one.stage.index for one in found.stages]


@pytest.mark.parametrize(
    ("target", "indexes"),
    [
        ("", [0, 1, 2, 4]),
        ("first", [0]),
        ("FIRST", [0]),
        ("second", [0, 1]),
        ("3", [3]),
        ("third", [0, 1, 2]),
    ],
)
def test_only_what_the_target_stands_on_is_planned(target: str, indexes: list[int]) -> None:
    assert _indexes(_plan(STAGES, target)) == indexes


def test_steps_are_counted_over_all_stages() -> None:
    found = _plan(STAGES)
    assert [one.number for one in found.stages] == [0, 2, 4, 6]
    assert found.total == 9
    assert [one.parent for one in found.stages] == [None, None, 0, 2]
    assert found.stages[0].base == "base:1"


def test_a_build_argument_wins_over_the_default() -> None:
    assert _plan("ARG V=1\nARG W=x$V\nFROM b:$W", V="2").stages[0].base == "b:x2"


def test_the_platform_is_known_without_an_argument() -> None:
    here = this_platform()
    assert _plan("FROM b:$TARGETARCH-$BUILDOS").stages[0].base == f"b:{here.architecture}-linux"


def test_a_stage_is_only_known_to_those_behind_it() -> None:
    found = _plan("FROM a\nCOPY --from=late / /\nFROM b AS late\n", "0")
    assert _indexes(found) == [0]


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("FROM $NONE", "", "name of the image is empty"),
        ("FROM a\nRUN --mount=type=x,target=/y z", "", "'x' is no type of mount"),
        ("ARG A=${B:?missing}\nFROM a", "", "B: missing"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(text: str, target: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=r"Dockerfile:\d") as caught:
        _plan(text, target)
    assert said in caught.value.message


def test_a_target_that_is_not_there() -> None:
    with pytest.raises(NotFoundError) as caught:
        _plan(STAGES, "secnd")
    assert caught.value.hint == "did you mean 'second'?"


def test_build_arguments_that_nobody_asks_for() -> None:
    file = parse("ARG A\nFROM a\nARG B\n")
    given = {"A": "", "B": "", "C": "", "http_proxy": "", "SOURCE_DATE_EPOCH": "1"}
    assert unused_arguments(file, given) == ["C"]


def test_only_this_machines_platform_is_built() -> None:
    place, here = Place(file="f", line=1), this_platform()
    for text in ("linux", here.architecture, f"linux/{here.architecture}", str(here)):
        check_platform(text, place)
    with pytest.raises(UnsupportedError, match="f:1: platform 'linux/mips'"):
        check_platform("linux/mips", place)
