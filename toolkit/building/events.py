"""What a build tells while it runs; each event names its stage, so that they can be sorted."""

from toolkit.core.record import record


@record
class StepStarted:
    """A step begins: ``number`` of ``total``, and the instruction as written."""

    stage: int
    number: int
    total: int
    text: str


@record
class StepCached:
    """Its result was there already."""

    stage: int


@record
class Note:
    """A line for people; ``warning`` ones are about what they may want to change."""

    stage: int
    text: str
    warning: bool = False


@record
class Running:
    """A command runs in a container."""

    stage: int
    container: str


@record
class Output:
    """What a command wrote; not always whole lines."""

    stage: int
    data: bytes


@record
class StepDone:
    """A step is over: the id of the image so far."""

    stage: int
    image: str


@record
class StageDone:
    """Nothing more comes of this stage."""

    stage: int


Event = StepStarted | StepCached | Note | Running | Output | StepDone | StageDone
