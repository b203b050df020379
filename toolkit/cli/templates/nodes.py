"""What a template is made of once it is parsed. ``at`` is a place in the text, in characters."""

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Operand: TypeAlias = "Dot | Variable | Literal | Function | Chain | Pipe"
    Node: TypeAlias = "Text | Action | If | With | Range | Jump"


@record
class Dot:
    """``.``"""

    at: int


@record
class Variable:
    """``$name``; ``$`` is the data as a whole."""

    at: int
    name: str


@record
class Literal:
    """A constant."""

    at: int
    value: object


@record
class Function:
    """A function's name: a command's first word, or a function without arguments."""

    at: int
    name: str


@record
class Chain:
    """``.A.B`` of something: fields one after the other."""

    at: int
    base: "Operand"
    fields: tuple[str, ...]


@record
class Command:
    """An operand and its arguments."""

    at: int
    words: "tuple[Operand, ...]"


@record
class Pipe:
    """Commands, each result the last argument of the next; ``names`` are variables to set.

    ``declares`` tells ``:=`` from ``=``.
    """

    at: int
    commands: tuple[Command, ...]
    names: tuple[str, ...] = ()
    declares: bool = True


@record
class Text:
    """What is printed as it is."""

    at: int
    text: str


@record
class Action:
    """A pipeline whose result is printed, unless it sets a variable."""

    at: int
    pipe: Pipe


@record
class If:
    """One of two bodies."""

    at: int
    pipe: Pipe
    body: "tuple[Node, ...]"
    other: "tuple[Node, ...]"


@record
class With:
    """Like ``If``, and the dot is the value inside."""

    at: int
    pipe: Pipe
    body: "tuple[Node, ...]"
    other: "tuple[Node, ...]"


@record
class Range:
    """The body once for each element, or ``other`` where there is none."""

    at: int
    pipe: Pipe
    body: "tuple[Node, ...]"
    other: "tuple[Node, ...]"


@record
class Jump:
    """``break`` or ``continue``."""

    at: int
    word: str
