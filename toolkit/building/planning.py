"""Which stages a build needs, what they wait for, and the variables of the whole file."""

from toolkit.building.faults import Place
from toolkit.building.mounts import parse_mount
from toolkit.building.parsing import Dockerfile, Instruction, Stage
from toolkit.building.words import WordError, expand
from toolkit.core.errors import NotFoundError, UnsupportedError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean
from toolkit.oci.image import Platform, this_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROXIES = tuple(
    spelled
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for spelled in (name, name.lower())
)
"""Build arguments that need no ARG, and are no part of a step's key or history."""

_UNUSED = (*PROXIES, "SOURCE_DATE_EPOCH")


@record
class Planned:
    """A stage that is needed: ``base`` is an image's name, or ``parent`` another stage's number.

    ``number`` counts steps before it, over all stages.
    """

    stage: Stage
    base: str
    parent: int | None = None
    number: int


@record
class Plan:
    """The stages in order, the last one's image is the result; ``total`` counts all steps.

    ``variables`` are those that the whole file sees, ``platform`` variables among them.
    """

    stages: tuple[Planned, ...]
    total: int
    variables: "Mapping[str, str]"
    names: "Mapping[str, int]"


def plan(file: Dockerfile, given: "Mapping[str, str]", target: str) -> Plan:
    """Work out what is to be built; ``given`` are the build arguments."""
    variables = _variables(file, given)
    last = _target(file, target)
    names = {stage.name: stage.index for stage in file.stages if stage.name}
    wanted, rest = {last}, [last]
    while rest:
        for needed in _needs(file.stages[rest.pop()], file, names, variables):
            if needed not in wanted:
                wanted.add(needed)
                rest.append(needed)
    planned: list[Planned] = []
    number = 0
    for stage in file.stages:
        if stage.index in wanted:
            planned.append(_planned(stage, file, names, variables, number=number))
            number += 1 + len(stage.steps)
    return Plan(stages=tuple(planned), total=number, variables=variables, names=names)


def unused_arguments(file: Dockerfile, given: "Mapping[str, str]") -> list[str]:
    """Build arguments that no ARG asks for."""
    steps = [*file.arguments, *(step for stage in file.stages for step in stage.steps)]
    declared = {name for step in steps if step.name == "ARG" for name, _ in step.pairs}
    return sorted(name for name in given if name not in declared and name not in _UNUSED)


def stage_of(name: str, names: "Mapping[str, int]", before: int) -> int | None:
    """The stage that a name or number means for one that stands later; None for an image."""
    if name.isdigit() and int(name) < before:
        return int(name)
    found = names.get(name.lower())
    return found if found is not None and found < before else None


def platform_variables() -> "dict[str, str]":
    """What BuildKit calls the automatic platform arguments; a build is for this machine."""
    here = this_platform()
    values = {
        "PLATFORM": str(here),
        "OS": here.os,
        "ARCH": here.architecture,
        "VARIANT": here.variant,
    }
    return {f"{of}{name}": value for of in ("TARGET", "BUILD") for name, value in values.items()}


def check_platform(text: str, place: Place) -> None:
    """Refuse a platform that is not this machine's."""
    parts = text.lower().split("/")
    here = this_platform()
    if len(parts) == 1:
        parts = [parts[0], here.architecture] if parts[0] == "linux" else ["linux", parts[0]]
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(parts[1], parts[1])
    variant = parts[2] if len(parts) > 2 else ""
    if not here.accepts(Platform(os=parts[0], architecture=architecture, variant=variant)):
        raise UnsupportedError(
            f"{place}: platform '{text}' is not this machine's, which is '{here}'",
            hint="build it on such a machine",
        )


def _variables(file: Dockerfile, given: "Mapping[str, str]") -> "dict[str, str]":
    automatic = platform_variables()
    found = {**automatic, **{key: value for key, value in given.items() if key in automatic}}
    for step in file.arguments:
        for name, default in step.pairs:
            if name in given:
                found[name] = given[name]
            elif default is not None:
                found[name] = expanded(default, found, step, file.escape)
    return found


def _target(file: Dockerfile, target: str) -> int:
    if not target:
        return len(file.stages) - 1
    for stage in file.stages:
        if stage.name and stage.name == target.lower():
            return stage.index
    if target.isdigit() and int(target) < len(file.stages):
        return int(target)
    known = [stage.name for stage in file.stages if stage.name]
    raise NotFoundError(
        f"{file.file} has no stage '{target}'",
        hint=did_you_mean(target, known) or f"it has: {', '.join(known) or 'none with a name'}",
    )


def _needs(
    stage: Stage, file: Dockerfile, names: "Mapping[str, int]", variables: "Mapping[str, str]"
) -> "set[int]":
    base = expanded(stage.base, variables, stage.origin, file.escape)
    asked = [base]
    for step in stage.steps:
        asked.append(step.flag("from"))
        for mount in step.all_of("mount"):
            text = expanded(mount, variables, step, file.escape)
            asked.append(parse_mount(text, step.place).source_stage)
    found = {stage_of(name, names, stage.index) for name in asked if name}
    return {index for index in found if index is not None}


def _planned(
    stage: Stage,
    file: Dockerfile,
    names: "Mapping[str, int]",
    variables: "Mapping[str, str]",
    *,
    number: int,
) -> Planned:
    base = expanded(stage.base, variables, stage.origin, file.escape)
    if not base:
        raise stage.origin.place.fault(
            f"FROM {stage.base}: the name of the image is empty",
            hint="give the ARG before the first FROM a value, or pass --build-arg",
        )
    if stage.platform:
        platform = expanded(stage.platform, variables, stage.origin, file.escape)
        check_platform(platform, stage.origin.place)
    parent = stage_of(base, names, stage.index)
    return Planned(stage=stage, base=base, parent=parent, number=number)


def expanded(text: str, variables: "Mapping[str, str]", step: Instruction, escape: str) -> str:
    """A word with the values of its variables; the error names the instruction."""
    try:
        return expand(text, variables, escape)
    except WordError as error:
        raise step.place.fault(f"{step.name}: {error}") from None
